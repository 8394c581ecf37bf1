"""The live side: Modal's own client and command line, writing what they return into the landing folder.

What belongs here: everything that imports `modal` or runs its command. What does not: reading what was landed
(`sources`), and any arithmetic on it.
"""
