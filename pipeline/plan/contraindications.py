"""Middle floor. What forbids or changes advice: a function each, of the id in the rules.

Source: specification, sections 11.1 to 11.3, and the row of ``contraindications.csv`` that a
function serves. Each is asked of what was known last of the person. It holds where it is known to;
what is unknown withholds nothing by itself, unless the function says so, and is asked first.
"""

from functools import reduce
from operator import or_

import numpy as np

from pipeline.columns import certain, ruled_out, tristate

_HYPOGLYCAEMIA = ("RH1", "RHa", "RH2", "RH3", "RH3?")


def _is(word, *words):
    return tristate(np.isin(word, words), word != "")


def _any(*answers):
    return reduce(or_, answers)


def _unless(answer):
    """Return yes where it is not known to be so."""
    return tristate(~certain(answer), np.True_)


def _none_known(*columns):
    return tristate(~np.any([column.known for column in columns], axis=0), np.True_)


def ci_01(pregnant, pregnancy_wish, ivf, lactating, open_sf_24):
    """Pregnancy, a wish for one, or lactation."""
    return _any(pregnant, pregnancy_wish, ivf, lactating, open_sf_24)


def ci_01_pregnant(pregnant):
    """Pregnancy."""
    return pregnant


def ci_01_lactating(lactating):
    """Lactation."""
    return lactating


def ci_02(insulin, sulfonylurea, glinide):
    """On a medicine that lowers glucose by itself."""
    return _any(insulin, sulfonylurea, glinide)


def ci_02_sglt2(sglt2):
    """On an SGLT2 inhibitor, alone or combined."""
    return sglt2


def ci_02_metformin(metformin):
    """On metformin."""
    return metformin


def ci_03(
    reactive_hypoglycaemia,
    nonreactive_hypoglycaemia,
    hypo_postprandial,
    hypo_fasting,
    nocturnal_hypo,
    open_sf_01,
    open_sf_02,
    open_sf_03,
    open_sf_05,
    sglt2,
    known_diabetes,
    lactating,
):
    """Hypoglycaemia of any kind, what may cause it, or what makes fasting unsafe."""
    # a level that is unknown counts as absent: the symptoms and the lows behind it are asked here
    reactive = np.isin(reactive_hypoglycaemia, _HYPOGLYCAEMIA)
    levels = tristate(reactive | (nonreactive_hypoglycaemia == "RHx"), np.True_)
    symptoms = _any(hypo_postprandial, hypo_fasting, nocturnal_hypo)
    flags = _any(open_sf_01, open_sf_02, open_sf_03, open_sf_05)
    return _any(levels, symptoms, flags, sglt2, _is(known_diabetes, "t1d"), lactating)


def ci_04(ed_screen, eating_disorder_history, bmi, open_sf_25):
    """An eating disorder, now or before, or underweight."""
    thin = bmi.beyond("sf-25-bmi-18-5")
    return _any(_is(ed_screen, "positive"), eating_disorder_history, thin, open_sf_25)


def ci_05(cvd, retinopathy, open_sf_22, open_sf_28):
    """Cardiovascular disease, retinopathy, or a blood pressure that is not under control."""
    return _any(cvd, retinopathy, open_sf_22, open_sf_28)


def ci_06(egfr, open_sf_14):
    """EGFR under 60, the last that is known."""
    return egfr.beyond("sf-14-egfr-60") | open_sf_14


def ci_06_potassium(egfr):
    """EGFR under 45, at which potassium counts."""
    return egfr.beyond("sf-14-egfr-45")


def ci_07(everyone):
    """Everyone, whatever else is known."""
    return everyone


def ci_07_rhodiola(ssri, maoi):
    """On an SSRI or an MAO inhibitor."""
    return ssri | maoi


def ci_07_liquorice(sbp, dbp, bp_drug, potassium, glucocorticoid, open_sf_04):
    """A raised blood pressure, a low potassium, or much cortisol."""
    pressure = _any(sbp.beyond("signal-sbp"), dbp.beyond("signal-dbp"), bp_drug)
    return _any(pressure, potassium.lowered(), glucocorticoid, open_sf_04)


def ci_08(anticoagulant):
    """On an antithrombotic medicine."""
    return anticoagulant


def ci_08_vitamin_k(vitamin_k_antagonist):
    """On a vitamin K antagonist."""
    return vitamin_k_antagonist


def ci_09(coeliac_workup, ttg_iga):
    """A work-up for coeliac disease that is pending, or a raised tTG-IgA that asks for one."""
    return coeliac_workup | ttg_iga.raised()


def ci_10(thyroid_drug, levothyroxine):
    """On a medicine for the thyroid."""
    return thyroid_drug | levothyroxine


def ci_11(psychiatric):
    """On an antipsychotic or an antidepressant."""
    return psychiatric


def ci_12(iron_overload, ferritin):
    """Iron overload, or a ferritin that asks for its exclusion."""
    return iron_overload | ferritin.beyond("sf-20-ferritin-high")


def ci_13(cancer, immunosuppression):
    """Cancer, or reduced immunity."""
    return cancer | immunosuppression


def ci_14(kidney_stones):
    """Kidney stones."""
    return kidney_stones


def ci_15(age):
    """Younger than 18, or 75 or older."""
    return ~age.beyond("plan-adult") | age.beyond("plan-elder")


def sf_29_drugs(sglt2, insulin, known_diabetes):
    """On an SGLT2 inhibitor or insulin, or type 1 diabetes: ketoacidosis on few carbohydrates."""
    return _any(sglt2, insulin, _is(known_diabetes, "t1d"))


def coeliac_untested(ttg_iga, iga_total):
    """Without both tTG-IgA and total IgA, which gluten must be eaten for."""
    return tristate(~(ttg_iga.known & iga_total.known), np.True_)


def kidney_unknown(egfr_recent):
    """Without an eGFR of the last twelve months."""
    return _none_known(egfr_recent)


def albuminuria_unknown(urine_acr_recent):
    """Without an albumin/creatinine ratio in urine of the last twelve months."""
    return _none_known(urine_acr_recent)


def albuminuria(urine_acr):
    """Albumin/creatinine ratio in urine over 3 mg/mmol, the last that is known."""
    return urine_acr.beyond("plan-acr")


def b12_untested(b12, holotc, mma_serum):
    """Without any measure of vitamin B12."""
    return _none_known(b12, holotc, mma_serum)


def b12_low(b12, holotc, mma_serum):
    """A measure of vitamin B12 that points to a lack of it."""
    answers = (b12.beyond("sf-18-b12"), holotc.lowered(), mma_serum.raised())
    yes = np.any([certain(answer) for answer in answers], axis=0)
    return tristate(yes, yes | b12.known | holotc.known | mma_serum.known)


def adaptogens_not_agreed(adaptogens_agreed):
    """Unless the clinician chose them."""
    return _unless(adaptogens_agreed)


def fasting_not_agreed(fasting_agreed):
    """Unless the clinician chose it."""
    return _unless(fasting_agreed)


def others_not_ruled_out(
    ci_01,
    ci_02,
    ci_02_sglt2,
    ci_03,
    ci_04,
    ci_05,
    ci_06,
    ci_08,
    ci_09,
    ci_10,
    ci_11,
    ci_12,
    ci_13,
    ci_14,
    ci_15,
):
    """Unless every other contra-indication is known to be absent."""
    others = (ci_01, ci_02, ci_02_sglt2, ci_03, ci_04, ci_05, ci_06, ci_08, ci_09, ci_10)
    more = (ci_11, ci_12, ci_13, ci_14, ci_15)
    return tristate(~np.all([ruled_out(one) for one in (*others, *more)], axis=0), np.True_)


CONTRAINDICATIONS = {
    name: function
    for name, function in globals().items()
    if not name.startswith("_") and getattr(function, "__module__", "") == __name__
}
