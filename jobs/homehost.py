"""Each hour: the areas of [homehost] take get this host as their homehost, when they are quiet."""


def register(scheduler, config):
    for area in config.homehost.take:
        job = scheduler.every().hour
        job.do(scheduler.mtsite, "homehost", "move", "--if-quiet", area)
