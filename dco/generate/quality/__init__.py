"""What a finished picture is worth: the panel of gates, what it shows, what it resembles, and where limits come from."""
