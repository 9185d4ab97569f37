"""How much of what a clairvoyant would gain does each policy earn on real headline tests, replayed by simulation?"""
