"""What Megatest wrote, read without Megatest: areas, configs, databases, linktrees.

Promises: every run of an area and of its archives comes out once, as the records of
`mtsite.model`, in a stable order; nothing of an area is changed by reading it; a line, row or
file that makes no sense becomes a problem with its place, never a crash. Table and column names
of Megatest stand in this room only.

    settings → area.open_area      config, fields, linktree, generation
             → layout.find_layout  which databases there are, one or many
             → merge.list_areas    each run once, wherever its rows lie now
             → reader.read_run     rows → one Run, of whatever generation
             → linktree.find_logs  where its logs are, never outside

Never: runs a command of a config file unless the owner allows it for that area, evaluates
Scheme, or follows a path out of linktree, run directory and area.
Open first: `configfile.py` for the grammar, `schema.py` for the tables and what differs between
generations, `area.py` for the rest.
"""
