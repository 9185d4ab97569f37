"""What would another policy have earned in real bandit logs, how sure is that, and does the interval hold the truth?"""
