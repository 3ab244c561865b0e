"""Middle floor. What calls for an item of the plan: a function each, of the name in ``plan.csv``.

Source: specification, section 11.1. A trigger that is one comparison is a row of ``limits.csv``,
one that is a stated fact has its name; here are those that combine. An item is called for only
where a trigger certainly holds. "Raised" and "low" are against the laboratory's own, else the
fallback interval.
"""

import numpy as np

from pipeline.columns import certain, tristate


def _is(word, *words):
    return tristate(np.isin(word, words), word != "")


def d1_phase(phase):
    """The phase of compensation or of decompensation."""
    return _is(phase, "compensation", "decompensation_prediabetes", "decompensation_t2d")


def d1_hs_crp(hs_crp):
    """High-sensitivity CRP over 1 and up to 10 mg/L."""
    return hs_crp.beyond("signal-crp") & ~hs_crp.beyond("signal-crp-acute")


def d1_titr(cgm_titr, cgm_active):
    """A sensor that was active long enough, under 93 % of the time in the tight range."""
    return cgm_titr.beyond("plan-titr") & cgm_active.beyond("cgm-active")


def d2_insulin(i_class):
    """Insulin class I1 or I2."""
    return _is(i_class, "I1", "I2")


def d2_organic_acids(
    oa_adipate,
    oa_suberate,
    oa_ethylmalonate,
    oa_citrate,
    oa_cis_aconitate,
    oa_isocitrate,
    oa_akg,
    oa_succinate,
    oa_fumarate,
    oa_malate,
):
    """An organic acid of fat oxidation or of the Krebs cycle above the laboratory's interval."""
    fat = (oa_adipate, oa_suberate, oa_ethylmalonate)
    krebs = (oa_citrate, oa_cis_aconitate, oa_isocitrate, oa_akg, oa_succinate, oa_fumarate)
    return _any_raised(*fat, *krebs, oa_malate)


def _any_raised(*columns):
    answers = [column.raised() for column in columns]
    yes = np.any([certain(answer) for answer in answers], axis=0)
    return tristate(yes, yes | np.all([~answer.isna() for answer in answers], axis=0))


def d3_alt(alt):
    """ALT above its interval."""
    return alt.raised()


def d3_ggt(ggt):
    """Gamma-GT above its interval."""
    return ggt.raised()


def d3_ferritin(ferritin):
    """Ferritin above its interval."""
    return ferritin.raised()


def d3_holotc(holotc):
    """Active vitamin B12 under the laboratory's interval."""
    return holotc.lowered()


def d3_mma(mma_serum):
    """Methylmalonic acid above the laboratory's interval."""
    return mma_serum.raised()


def d3_folate_low(folate):
    """Folate under the laboratory's interval."""
    return folate.lowered()


def d3_figlu(oa_figlu):
    """FIGLU in urine above the laboratory's interval."""
    return oa_figlu.raised()


def d3_periconceptional(pregnant, pregnancy_wish, ivf):
    """Pregnant, or a wish to be."""
    return pregnant | pregnancy_wish | ivf


def d4_calprotectin(calprotectin, gut_complaints):
    """Calprotectin over 50 and up to 250 µg/g, with complaints of the gut."""
    slightly = calprotectin.beyond("plan-calprotectin") & ~calprotectin.beyond("sf-21-calprotectin")
    return slightly & gut_complaints


def d4_siga(siga_stool, gut_complaints):
    """Secretory IgA outside its interval, with complaints of the gut."""
    return (siga_stool.raised() | siga_stool.lowered()) & gut_complaints


def d4_dysbiosis(dysbiosis, gut_complaints):
    """Dysbiosis in a stool test, with complaints of the gut."""
    return dysbiosis & gut_complaints


def d4_zonulin(zonulin_serum, zonulin_stool):
    """Zonulin family peptides above their interval."""
    return zonulin_serum.raised() | zonulin_stool.raised()


def d5_cortisol(cortisol_serum_am, oestrogen_use, oestrogen):
    """Morning cortisol in serum outside its interval, without oestrogen."""
    outside = cortisol_serum_am.raised() | cortisol_serum_am.lowered()
    return outside & ~_stated(oestrogen_use) & ~_stated(oestrogen)


def _stated(answer):
    return tristate(certain(answer), np.True_)


def d5_cortisol_saliva(cortisol_saliva_am):
    """Morning cortisol in saliva outside its interval."""
    return cortisol_saliva_am.raised() | cortisol_saliva_am.lowered()


def d5_dheas(dheas, sex_hormone_therapy):
    """DHEA-S outside its interval, without therapy by sex hormones."""
    return (dheas.raised() | dheas.lowered()) & ~_stated(sex_hormone_therapy)


def d6_cortisol_night(cortisol_saliva_night):
    """Late cortisol in saliva above its interval."""
    return cortisol_saliva_night.raised()


def d6_apnoea_risk(bmi, snoring):
    """Obesity, or snoring."""
    return bmi.beyond("plan-obesity") | snoring


def n7_zinc(zinc):
    """Zinc under its interval."""
    return zinc.lowered()


def n7_selenium(selenium):
    """Selenium under its interval."""
    return selenium.lowered()


def n7_vitamin_e(vitamin_e):
    """Vitamin E under its interval."""
    return vitamin_e.lowered()


TRIGGERS = {
    name: function
    for name, function in globals().items()
    if name[:1] in "dn" and name[1:2].isdigit()
}
