"""Attacks of a hostile or broken hub on the generator, and on the packages that it generates.

Each attack is rejected with a clear message or has no effect, and does not affect the other models. No code
of the hub runs. No file is opened, and no address is reached, that the command does not need. Time and memory
are limited; time is compared to that of the committed models in the same run, because machines differ.
"""
