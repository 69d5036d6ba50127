"""Sample areas: what a real team's Megatest areas look like, made from a seed.

Promises: the same root, seed, time and number of days give the same bytes in every file and the
same rows in every database; everything lies below the root that it is given. Never: it reads the
clock, runs a command, or writes into an area that it did not make.

How a sample comes about:

    spec                            the words: tests, targets, events
    chipyard, webstack, faults      two teams and what goes wrong there, as tables
    history                         table + seed + time → runs with tests, steps and measurements
    logtext, bodies                 a step of a test → the text of its log
    configs, rundirs, rows          → megatest.config, run directories with links, databases
    pushes                          what the web team pushed, and which push a run tested
    satellite                       what moved away earlier: marks here, rows and notes there
    areas                           the whole: `make_samples`; open this one first
"""
