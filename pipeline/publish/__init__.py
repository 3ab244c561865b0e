"""Floor 8. Makes reports: papermill runs, nbconvert lays out, WeasyPrint prints."""
