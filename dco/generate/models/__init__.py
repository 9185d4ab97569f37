"""Model folders, judged before anything is loaded: classes, weights, kind, parts, licence. No torch in here."""
