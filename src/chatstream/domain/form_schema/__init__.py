"""JSON Schema (draft 2020-12) for forms, with a bound on the work of every check.

``well_formed`` refuses a schema when a form is made, ``validation`` checks what a user submits.
Both run on the event loop, for strangers: the work is counted (``budget``), patterns run on an
automaton (``patterns``), equality is a hash (``canonical``), and no reason quotes a value.
"""
