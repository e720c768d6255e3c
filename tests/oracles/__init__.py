"""Reference programs of the field, each in an environment of its own (`.ci/run` makes them), called as subprocesses."""
