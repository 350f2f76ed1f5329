"""Full load for minutes while everything around is disturbed: not one wrong byte, and memory flat.

upstream    an application whose every byte names the person and the request that it is for
ledger      what was answered, what is excused and why, what was wrong
visitors    hundreds of connections of several people, each answer checked to the byte
disturbers  upstream kills, reloads, logouts, slow and vanishing clients
"""
