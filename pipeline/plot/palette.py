"""Middle floor. The colours and line shapes of all figures; each pair differs in grey too."""

INK = "#1b2733"
QUIET = "#4a5663"  # axes, ticks, notes: 4.5 : 1 on white
RULE = "#c9d1d9"
BAND = "#eef2f5"  # the reference interval
VALUE = "#0b5c8a"
TARGET = "#44606f"
GUIDELINE = "#7a3b00"

TARGET_DASH = (0, (4, 2))
GUIDELINE_DASH = (0, (1, 1.5))

UNDETERMINED = "#f4f6f8"
SENSITIVE = "#f2f7f5"
COMPENSATION = "#e6eef4"
DECOMPENSATION = "#d5e1eb"
