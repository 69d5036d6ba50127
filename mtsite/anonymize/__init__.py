"""A copy of an area that is fit to be shared: `anonymize SRC DST`.

    gather    the words to replace: users, hosts, domains, directories, from the rows themselves
    copy      databases row by row, texts line by line; every word by the same pseudonym everywhere
    look      for each original word in every byte of the copy, packed ones unpacked

Pseudonyms are HMACs under a key that is never in the copy: the same word gives the same one in
every table, path, file name and log, and in every later copy made with the same key. Ids, times,
states, statuses, counts, numbers and the lines of logs stay. A copy in which a word is left is
taken away again. The source is only read.

Open first: `copy` (the verb), then `columns` (what is done to each column).
"""
