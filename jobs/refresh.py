"""The day: build and publish what is new, without moving or ending any run."""


def register(scheduler, config):
    minutes = config.schedule.refresh_minutes
    if minutes:
        skipped = ("--skip", "reduce", "--skip", "automigrate", "--skip", "retain")
        job = scheduler.every(minutes).minutes
        job.do(scheduler.mtsite, "nightly", "--job", "refresh", *skipped)
