"""Publishing floor. Tells the built-in sample once, so that what is read only once has been read.

Rules, texts, templates, fonts and number formats are then in memory of every kernel that is forked
from here. The sample is of nobody; nothing of a case is ever told in this process.
"""

from pipeline.export import case_json
from pipeline.interpret import interpret, with_numbered_files
from pipeline.model import Audience
from pipeline.narrate import narrate
from pipeline.plot import plot_ogtt, plot_road, plot_trend
from pipeline.read import read_case_input
from pipeline.resources import languages
from pipeline.show import finish, show, show_title


def rehearse() -> None:
    """Tell the sample to those whom reports are made for, in every language."""
    interpretation = interpret(read_case_input(""))
    shown = with_numbered_files(interpretation)
    for language in languages():
        show(plot_road(shown, language))
        for audience in (Audience.CLINICIAN, Audience.CLIENT):
            show(plot_ogtt(shown, language, audience), plot_trend(shown, language, audience))
            story = narrate(shown, language, audience)
            show_title(story)
            show(*story.sections)
    finish(case_json(interpretation), interpretation.case.sha256)
