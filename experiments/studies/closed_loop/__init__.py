"""Does the engine earn more than the strongest known closed loops, market by market, on paired fresh seeds?"""
