"""Publishing floor. Makes reports: papermill runs, nbconvert lays out, WeasyPrint prints."""
