"""Middle floor. The branches of safety flags that combine: a function each, of their name.

Source: specification, section 9, and the row of ``flags.csv`` that a function serves. A parameter
is a marker (a ``Column``), a stated number or the age (a ``Column`` too), a word, a yes-or-no
answer, or the answer of another branch; what is unknown stays unknown. A reason to keep a flag
silent (pregnancy, a weight change that was meant) counts only where it is known, so that a flag is
rather raised than missed.
"""

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, any_of, certain, tristate
from pipeline.rules.formulas import INSULIN_PMOL_PER_MU

_KNOWN_DIABETES = ("t1d", "t2d", "lada", "mody", "other")


def any_measured(*questions: tuple[Column, str]) -> BooleanArray:
    """Return whether one of the columns is beyond its limit; those not measured do not count."""
    answers = [column.beyond(limit) for column, limit in questions]
    yes = np.any([certain(answer) for answer in answers], axis=0)
    measured = [column.known for column, _ in questions]
    open_question = [k & a.isna() for k, a in zip(measured, answers, strict=True)]
    return tristate(yes, np.any(measured, axis=0) & (yes | ~np.any(open_question, axis=0)))


def _unless(answer: BooleanArray) -> BooleanArray:
    return tristate(~certain(answer), np.ones(len(answer), dtype=bool))


def _is(word, *words):
    return tristate(np.isin(word, words), np.ones(len(word), dtype=bool))


def _ketones(ketones_blood, urine_ketones, limit):
    return any_measured((ketones_blood, limit), (urine_ketones, "sf-06-urine-ketones"))


def _weight_loss(weight_change_6m_kg, weight_change_intended, weight, limit):
    """Return whether weight fell unmeant by the limit, in percent of what it was."""
    loss = -weight_change_6m_kg.low
    percent = 100 * loss / (weight.low + loss)
    column = weight_change_6m_kg.with_values("weight_loss_pct", percent)
    return column.beyond(limit) & ~weight_change_intended


def around_birth(pregnant, postpartum_weeks):
    """Return whether somebody is pregnant or gave birth up to 6 weeks ago."""
    men = postpartum_weeks.people.sex == "M"
    recent = postpartum_weeks.beyond("sf-22-postpartum")
    return pregnant | tristate(certain(recent) & ~men, ~recent.isna() | men)


def sf_01_low_glucose_insulin(glucose_fasting, glucose_random, insulin_fasting, insulin_random):
    """Insulin that is not suppressed while glucose is under 3.0 mmol/L in the same draw."""
    glucose = ((glucose_fasting, "low-fasting"), (glucose_random, "low-random"))
    pairs = [(g, limit, i) for g, limit in glucose for i in (insulin_fasting, insulin_random)]
    answers = [_unsuppressed(*pair) for pair in pairs]
    yes = np.any([certain(answer) for answer in answers], axis=0)
    return tristate(yes, np.any([~answer.isna() for answer in answers], axis=0))


def _unsuppressed(glucose, limit, insulin):
    """Return the answer for one pair; that a draw has no id leaves open whether it is one."""
    same_draw = tristate(
        glucose.sample == insulin.sample, (glucose.sample >= 0) & (insulin.sample >= 0)
    )
    return same_draw & glucose.beyond(limit) & insulin.beyond("sf-01-insulin-low-glucose")


def sf_01_hypo_symptoms(hypo_fasting, nocturnal_hypo):
    """Symptoms of low glucose while fasting or at night, whatever the insulin."""
    return hypo_fasting | nocturnal_hypo


def sf_01_on_medication(insulin, sulfonylurea, glinide):
    """On a medicine that lowers glucose by itself."""
    return any_of([insulin, sulfonylurea, glinide])


def sf_02_low_c_peptide(insulin_fasting, c_peptide):
    """Fasting insulin raised while C-peptide is low: insulin from outside, or antibodies."""
    return insulin_fasting.raised() & c_peptide.beyond("sf-02-c-peptide")


def sf_02_high_ratio(insulin_fasting, c_peptide):
    """Fasting insulin raised and, in pmol, above C-peptide."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = insulin_fasting.low * INSULIN_PMOL_PER_MU / (c_peptide.high * 1000)
        high = insulin_fasting.high * INSULIN_PMOL_PER_MU / (c_peptide.low * 1000)
    ratio = c_peptide.with_values("insulin_c_peptide_ratio", low, high)
    return insulin_fasting.raised() & ratio.beyond("sf-02-ratio")


def sf_03_plasma(glucose_fasting, glucose_random, glucose_ogtt_0, glucose_meter):
    """Plasma or meter glucose under 3.0 mmol/L."""
    return any_measured(
        *_each("sf-03", glucose_fasting, glucose_random, glucose_ogtt_0, glucose_meter)
    )


def _each(prefix, *columns):
    return [(column, f"{prefix}-{column.marker.replace('_', '-')}") for column in columns]


def sf_03_plasma_severe(
    glucose_fasting,
    glucose_random,
    glucose_ogtt_0,
    glucose_meter,
    neuroglycopenia,
    hypo_fasting,
    nocturnal_hypo,
    hypo_postprandial,
    insulin,
    sulfonylurea,
    glinide,
):
    """Plasma or meter glucose under 2.5, or under 3.0 with symptoms or on medication."""
    columns = (glucose_fasting, glucose_random, glucose_ogtt_0, glucose_meter)
    symptoms = [neuroglycopenia, hypo_fasting, nocturnal_hypo, hypo_postprandial]
    worse = any_of([*symptoms, insulin, sulfonylurea, glinide])
    return any_measured(*_each("sf-03-severe", *columns)) | (sf_03_plasma(*columns) & worse)


def sf_03_cgm(cgm_longest_below_3_0_min):
    """A sensor that stayed under 3.0 mmol/L for 15 minutes or longer."""
    return cgm_longest_below_3_0_min.beyond("sf-03-cgm")


def sf_03_ogtt(
    glucose_ogtt_30, glucose_ogtt_60, glucose_ogtt_90, glucose_ogtt_120, glucose_ogtt_180
):
    """A low point under 3.0 mmol/L during a glucose tolerance test."""
    columns = (
        glucose_ogtt_30,
        glucose_ogtt_60,
        glucose_ogtt_90,
        glucose_ogtt_120,
        glucose_ogtt_180,
    )
    return any_measured(*_each("sf-03", *columns))


def sf_04_very_high(cortisol_serum_am, oestrogen_use, oestrogen, pregnant):
    """Morning cortisol over 1.5 times its upper limit (850 by the fallback); on oestrogen 1491."""
    own = cortisol_serum_am.beyond("cortisol-1.5x")
    fallback = cortisol_serum_am.beyond("cortisol-fallback")
    printed = cortisol_serum_am.has_own_interval
    high = tristate(
        np.where(printed, certain(own), certain(fallback)),
        np.where(printed, ~own.isna(), ~fallback.isna()),
    )
    very = cortisol_serum_am.beyond("cortisol-oestrogen-1.5x")
    return (very | (high & ~_on_oestrogen(oestrogen_use, oestrogen))) & _unless(pregnant)


def _on_oestrogen(oestrogen_use, oestrogen):
    """Return whether oestrogen is stated, by itself or among the medicines."""
    yes = certain(oestrogen_use) | certain(oestrogen)
    return tristate(yes, yes | ~oestrogen_use.isna())


def sf_04_high_with_signs(
    cortisol_serum_am,
    weight_change_6m_kg,
    weight_change_intended,
    sbp,
    dbp,
    bruising,
    proximal_weakness,
    oestrogen_use,
    oestrogen,
    pregnant,
):
    """Morning cortisol raised with unmeant weight gain and a sign of Cushing's syndrome."""
    gain = weight_change_6m_kg.beyond("sf-04-gain") & ~weight_change_intended
    pressure = any_measured((sbp, "sf-04-sbp"), (dbp, "sf-04-dbp"))
    signs = any_of([pressure, bruising, proximal_weakness])
    calm = ~_on_oestrogen(oestrogen_use, oestrogen) & _unless(pregnant)
    return cortisol_serum_am.raised() & gain & signs & calm


def sf_04_oestrogen(oestrogen_use, oestrogen):
    """Oestrogen raises the total cortisol that is measured."""
    return _on_oestrogen(oestrogen_use, oestrogen)


def sf_05_low(cortisol_serum_am):
    """Morning cortisol under 100 nmol/L."""
    return cortisol_serum_am.beyond("sf-05-low")


def sf_05_low_and_ill(cortisol_serum_am, acute_illness_14d, vomiting, drowsiness):
    """Morning cortisol under 100 nmol/L in somebody who is ill."""
    return sf_05_low(cortisol_serum_am) & any_of([acute_illness_14d, vomiting, drowsiness])


def sf_05_borderline(cortisol_serum_am):
    """Morning cortisol from 100 to 150 nmol/L."""
    return cortisol_serum_am.beyond("sf-05-borderline") & ~sf_05_low(cortisol_serum_am)


def sf_05_steroid(glucocorticoid):
    """A glucocorticoid suppresses the adrenals."""
    return glucocorticoid


def sf_06_very_high(
    glucose_fasting,
    glucose_random,
    glucose_meter,
    glucose_ogtt_0,
    glucose_ogtt_30,
    glucose_ogtt_60,
    glucose_ogtt_90,
    glucose_ogtt_120,
    glucose_ogtt_180,
):
    """Any glucose over 20 mmol/L."""
    columns = (
        glucose_fasting,
        glucose_random,
        glucose_meter,
        glucose_ogtt_0,
        glucose_ogtt_30,
        glucose_ogtt_60,
        glucose_ogtt_90,
        glucose_ogtt_120,
        glucose_ogtt_180,
    )
    return any_measured(*_each("sf-06", *columns))


def sf_06_ill(diabetes_range, vomiting, drowsiness, dehydration, ketones_blood, urine_ketones):
    """A value in the diabetes range in somebody who is ill or has ketones."""
    ketones = _ketones(ketones_blood, urine_ketones, "sf-06-ketones")
    return diabetes_range & any_of([vomiting, drowsiness, dehydration, ketones])


def sf_06_new_diabetes_range(diabetes_range, known_diabetes):
    """A value in the diabetes range without known diabetes."""
    return diabetes_range & ~_is(known_diabetes, *_KNOWN_DIABETES)


def sf_06_known_high(hba1c, known_diabetes):
    """Known diabetes with HbA1c over 69 mmol/mol."""
    return hba1c.beyond("sf-06-hba1c") & _is(known_diabetes, *_KNOWN_DIABETES)


def sf_07_suspected(
    diabetes_range,
    known_diabetes,
    weight_change_6m_kg,
    weight_change_intended,
    weight,
    bmi,
    age,
    c_peptide,
    polyuria,
    polydipsia,
    symptom_weeks,
):
    """A value in the diabetes range that may be type 1 diabetes or LADA."""
    loss = _weight_loss(weight_change_6m_kg, weight_change_intended, weight, "sf-07-weight-loss")
    lean = bmi.beyond("sf-07-bmi") & age.beyond("sf-07-age")
    recent = (polyuria | polydipsia) & symptom_weeks.beyond("sf-07-symptom-weeks")
    signs = any_of([loss, lean, c_peptide.beyond("sf-07-c-peptide"), recent])
    return diabetes_range & ~_is(known_diabetes, "t1d") & signs


def sf_07_with_ketones(sf_07_suspected, ketones_blood, urine_ketones):
    """Suspected type 1 diabetes with ketones."""
    return sf_07_suspected & _ketones(ketones_blood, urine_ketones, "sf-06-ketones")


def sf_08_raised_3x(alt, ast):
    """ALT or AST over three times its upper limit."""
    return any_measured((alt, "alt-3x"), (ast, "ast-3x"))


def sf_08_raised_5x(alt, ast):
    """ALT or AST over five times its upper limit."""
    return any_measured((alt, "alt-5x"), (ast, "ast-5x"))


def sf_08_with_jaundice(alt, ast, bilirubin_total, jaundice, dark_urine, abdominal_pain, vomiting):
    """ALT or AST over three times its upper limit with bilirubin raised or symptoms."""
    signs = [bilirubin_total.beyond("bilirubin-2x"), jaundice, dark_urine, abdominal_pain, vomiting]
    return sf_08_raised_3x(alt, ast) & any_of(signs)


def sf_09_with_pain(triglycerides, abdominal_pain):
    """Triglycerides over 10 mmol/L with abdominal pain."""
    return triglycerides.beyond("sf-09-triglycerides") & abdominal_pain


def sf_12_raised(fib4, age):
    """FIB-4 from 1.3 at 35 years or older, from 2.0 at 65 or older."""
    older = age.beyond("sf-12-age-65")
    young = fib4.beyond("sf-12-fib4") & age.beyond("sf-12-age") & ~older
    return young | (fib4.beyond("sf-12-fib4-65") & older)


def sf_12_very_high(fib4):
    """FIB-4 over 2.67."""
    return fib4.beyond("sf-12-fib4-high")


def sf_13_ft4_low_and_ill(ft4, drowsiness, vomiting):
    """Free T4 under 5 pmol/L with symptoms."""
    return ft4.beyond("sf-13-ft4-low") & (drowsiness | vomiting)


def sf_13_haemolysis(haemolysis):
    """Haemolysis raises potassium in the tube."""
    return _is(haemolysis, "trace", "visible")


def sf_14_below_30_new(egfr, egfr_was_below_30):
    """EGFR under 30 that was not so before."""
    return egfr.beyond("sf-14-egfr-30") & ~egfr_was_below_30


def sf_14_metformin(metformin):
    """Metformin needs another dose."""
    return metformin


def sf_15_wish(tsh, pregnancy_wish, ivf):
    """TSH over 4.0 mU/L with a wish for pregnancy or IVF."""
    return tsh.beyond("sf-15-tsh-wish") & (pregnancy_wish | ivf)


def sf_15_wish_with_anti_tpo(tsh, anti_tpo, pregnancy_wish, ivf):
    """TSH over 2.5 mU/L with antibodies, and a wish for pregnancy or IVF."""
    return tsh.beyond("sf-15-tsh-tpo") & anti_tpo.raised() & (pregnancy_wish | ivf)


def sf_15_pregnant(tsh, pregnant):
    """TSH over the laboratory's own limit in pregnancy, else over 4.0 mU/L."""
    own, other = tsh.raised(), tsh.beyond("sf-15-tsh-wish")
    yes = np.where(tsh.has_own_interval, certain(own), certain(other))
    return tristate(yes, tsh.known) & pregnant


def _without_androgens(androgen, oestrogen, sex_hormone_therapy):
    """Return no on androgens; unknown where a therapy is stated, but not of which hormone."""
    unclear = certain(sex_hormone_therapy) & ~certain(androgen) & ~certain(oestrogen)
    return tristate(~certain(androgen), ~unclear)


def sf_16_testosterone(testosterone_total, female, androgen, oestrogen, sex_hormone_therapy):
    """Testosterone over 5.0 nmol/L in a woman without androgens."""
    high = testosterone_total.beyond("sf-16-testosterone")
    return female & high & _without_androgens(androgen, oestrogen, sex_hormone_therapy)


def sf_16_dheas(dheas, female, androgen, oestrogen, sex_hormone_therapy):
    """DHEA-S over 18.9 µmol/L in a woman without androgens."""
    high = dheas.beyond("sf-16-dheas")
    return female & high & _without_androgens(androgen, oestrogen, sex_hormone_therapy)


def sf_16_virilisation(virilisation, female, androgen, oestrogen, sex_hormone_therapy):
    """Rapid virilisation of a woman without androgens."""
    return virilisation & female & _without_androgens(androgen, oestrogen, sex_hormone_therapy)


def sf_17_ohp17(ohp17, female, androgen, oestrogen, sex_hormone_therapy):
    """17-OH-progesterone over 6 nmol/L in a woman without androgens."""
    high = ohp17.beyond("sf-17-ohp17")
    return female & high & _without_androgens(androgen, oestrogen, sex_hormone_therapy)


def sf_17_day_unknown(ohp17, cycle_day):
    """17-OH-progesterone that was not known to be taken early in the cycle."""
    return ohp17.beyond("sf-17-ohp17") & _unless(cycle_day.beyond("sf-17-cycle-day"))


def sf_18_neurological(b12, holotc, mma_serum, neurological):
    """A sign of B12 deficiency with neurological symptoms."""
    lowered = certain(holotc.lowered()) | certain(mma_serum.raised())
    signs = any_measured((b12, "sf-18-b12-neuro"), (holotc, "sf-18-holotc"))
    known = ~signs.isna() | holotc.known | mma_serum.known
    return tristate(certain(signs) | lowered, known) & neurological


def sf_18_b6(b6_plp, neuropathy):
    """Vitamin B6 over 200 nmol/L with neuropathy."""
    return b6_plp.beyond("sf-18-b6") & neuropathy


def sf_20_high(ferritin):
    """Ferritin over 300 µg/L in a woman, over 500 in a man."""
    return ferritin.beyond("sf-20-ferritin-high")


def sf_21_blood(blood_in_stool):
    """Blood in the stool."""
    return blood_in_stool


def sf_21_weight_loss(weight_change_6m_kg, weight_change_intended, weight):
    """Unmeant weight loss of five percent or more."""
    return _weight_loss(weight_change_6m_kg, weight_change_intended, weight, "sf-21-weight-loss")


def sf_22_severe(sbp, dbp, pregnant, postpartum_weeks):
    """Blood pressure from 180 over 110."""
    high = any_measured((sbp, "sf-22-sbp-e"), (dbp, "sf-22-dbp-e"))
    return high & _unless(around_birth(pregnant, postpartum_weeks))


def sf_22_raised(sbp, dbp, pregnant, postpartum_weeks):
    """Blood pressure from 140 over 90."""
    high = any_measured((sbp, "sf-22-sbp"), (dbp, "sf-22-dbp"))
    return high & _unless(around_birth(pregnant, postpartum_weeks))


def sf_23_biotin(biotin_last_72h, immunoassay_measured):
    """Biotin taken shortly before an immunoassay."""
    return biotin_last_72h & immunoassay_measured


def sf_24_pregnant(pregnant):
    """Pregnant."""
    return pregnant


def sf_24_wish(pregnancy_wish, ivf):
    """A wish for pregnancy, or IVF."""
    return pregnancy_wish | ivf


def sf_24_lactating(lactating):
    """Lactating."""
    return lactating


def sf_25_suicidal(suicidal_thoughts):
    """Suicidal thoughts."""
    return suicidal_thoughts


def sf_25_ed_screen(ed_screen):
    """A screening for an eating disorder that is positive."""
    return tristate(ed_screen == "positive", ed_screen != "")


def sf_26_not_scored(not_scored):
    """A value that is not scored for its unit or its size."""
    return not_scored


def sf_28_raised(sbp, dbp, pregnant, postpartum_weeks):
    """Blood pressure from 140 over 90 around birth."""
    high = any_measured((sbp, "sf-22-sbp"), (dbp, "sf-22-dbp"))
    return high & around_birth(pregnant, postpartum_weeks)


def sf_28_severe(sbp, dbp, pregnant, postpartum_weeks):
    """Blood pressure from 160 over 110 around birth."""
    high = any_measured((sbp, "sf-28-sbp-e"), (dbp, "sf-28-dbp-e"))
    return high & around_birth(pregnant, postpartum_weeks)


def sf_28_with_symptoms(sbp, dbp, pregnant, postpartum_weeks, headache_visual, abdominal_pain):
    """Raised blood pressure around birth with headache, visual symptoms or abdominal pain."""
    return sf_28_raised(sbp, dbp, pregnant, postpartum_weeks) & (headache_visual | abdominal_pain)


def sf_29_ketoacidosis(
    sglt2, insulin, known_diabetes, nausea, vomiting, abdominal_pain, ketones_blood
):
    """Possible ketoacidosis on an SGLT2 inhibitor or insulin, whatever the glucose."""
    at_risk = any_of([sglt2, insulin, _is(known_diabetes, "t1d")])
    ketones = any_measured((ketones_blood, "sf-29-ketones"))
    return at_risk & any_of([nausea, vomiting, abdominal_pain, ketones])


def sf_30_raised(glucose_fasting, glucose_ogtt_120, pregnant):
    """Glucose in pregnancy from 5.1 fasting or 7.8 after two hours."""
    return any_measured((glucose_fasting, "sf-30-fpg"), (glucose_ogtt_120, "sf-30-2h")) & pregnant


def sf_30_high(glucose_fasting, glucose_ogtt_120, pregnant):
    """Glucose in pregnancy from 7.0 fasting or 11.1 after two hours."""
    high = any_measured((glucose_fasting, "sf-30-fpg-e"), (glucose_ogtt_120, "sf-30-2h-e"))
    return high & pregnant


CONDITIONS = {name: function for name, function in globals().items() if name.startswith("sf_")}
