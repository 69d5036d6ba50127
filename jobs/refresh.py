"""The day: build and publish what is new, without moving any run."""


def register(scheduler, config):
    minutes = config.schedule.refresh_minutes
    if minutes:
        scheduler.every(minutes).minutes.do(scheduler.mtsite, "nightly", "--skip", "reduce")
