"""What a hostile or a broken hub may do to whoever generates from its answers, and to whoever imports that.

Each attack is rejected with a clear message or is harmless, and costs the good models beside it nothing: no
code of the hub runs, nothing is opened or reached but what belongs to the command, within 15 s and 300 MB.
"""
