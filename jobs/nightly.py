"""The night, once a day: reduce, build, publish."""


def register(scheduler, config):
    scheduler.every().day.at(config.schedule.nightly).do(scheduler.mtsite, "nightly")
