"""The day: build and publish what is new, without moving or ending any run."""


def register(scheduler, config):
    minutes = config.schedule.refresh_minutes
    if minutes:
        skipped = ("--skip", "reduce", "--skip", "retain")
        scheduler.every(minutes).minutes.do(scheduler.mtsite, "nightly", *skipped)
