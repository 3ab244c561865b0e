"""Rules floor. The computed markers: a function each, its parameters named for what it needs.

Every function takes one value or a column of them (numpy), in the units of ``markers.csv``.
The decorator says in which inputs it rises or falls: so a censored input gives an interval.
Where it names a mass form, that is used where all results were reported in mg/dL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import getdoc, signature
from typing import Any

import numpy as np

GLUCOSE_MG_DL = 18.016  # mg/dL per mmol/L
TRIGLYCERIDES_MG_DL = 88.57
CHOLESTEROL_MG_DL = 38.67
CREATININE_UMOL_L = 88.4  # µmol/L per mg/dL
INSULIN_PMOL_PER_MU = 6.00  # the international standard; Knopp 2019
INSULIN_POPULAR_PMOL_PER_MU = 6.945  # what many laboratories use instead
MASS_PER_MOLAR = TRIGLYCERIDES_MG_DL / CHOLESTEROL_MG_DL

_Function = Callable[..., Any]
PERSON_INPUTS = ("age", "female", "diabetes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A computed marker: its function, and what must hold before it may be used."""

    marker: str
    compute: _Function
    rises_with: tuple[str, ...]
    falls_with: tuple[str, ...]
    optional: tuple[str, ...]
    mass_form: _Function | None
    fasting: bool
    same_draw: bool
    inputs: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(signature(self.compute).parameters))

    @property
    def analytes(self) -> tuple[str, ...]:
        """Return the markers among the inputs, in the order of the signature."""
        return tuple(name for name in self.inputs if name not in PERSON_INPUTS)

    @property
    def required(self) -> tuple[str, ...]:
        """Return the inputs without which there is no value."""
        return tuple(name for name in self.inputs if name not in self.optional)

    @property
    def monotone(self) -> tuple[str, ...]:
        """Return the inputs that may be censored."""
        return self.rises_with + self.falls_with

    @property
    def description(self) -> str:
        """Return what is computed, its unit and its source."""
        return getdoc(self.compute) or ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the ids that the docstring names after "Source:"."""
        named = self.description.partition("Source: ")[2].partition("\n")[0]
        return tuple(named.removesuffix(".").split("; "))


_REGISTER: dict[str, Formula] = {}
COMPUTED: Mapping[str, Formula] = (
    _REGISTER  # in the order of their definition, which is that of need
)


def _marker(
    *,
    rises: str = "",
    falls: str = "",
    optional: str = "",
    mass: _Function | None = None,
    fasting: bool = False,
    same_draw: bool = False,
) -> Callable[[_Function], _Function]:
    def register(function: _Function) -> _Function:
        _REGISTER[function.__name__] = Formula(
            marker=function.__name__,
            compute=function,
            rises_with=tuple(rises.split()),
            falls_with=tuple(falls.split()),
            optional=tuple(optional.split()),
            mass_form=mass,
            fasting=fasting,
            same_draw=same_draw,
        )
        return function

    return register


# The published forms in mg/dL; the canonical ones below call them where they are the only form.


def homa_ir_mass(glucose_fasting, insulin_fasting):
    """HOMA1-IR from mg/dL and mU/L [1]. Source: MATTHEWS-1985."""
    return glucose_fasting * insulin_fasting / 405


def homa_b_mass(glucose_fasting, insulin_fasting):
    """HOMA1-%B from mg/dL and mU/L [%]. Source: MATTHEWS-1985."""
    return 360 * insulin_fasting / (glucose_fasting - 63)


def quicki_mass(glucose_fasting, insulin_fasting):
    """QUICKI from mg/dL and mU/L [1]. Source: KATZ-2000."""
    return 1 / (np.log10(insulin_fasting) + np.log10(glucose_fasting))


def tyg_mass(triglycerides, glucose_fasting):
    """TyG (variant A) from mg/dL [1]. Source: SIMENTAL-2008; S19."""
    return np.log(triglycerides * glucose_fasting / 2)


def tyg_b_mass(triglycerides, glucose_fasting):
    """TyG (variant B) from mg/dL [1]: only ever recognised in a report, never used. Source: S19."""
    return np.log(triglycerides * glucose_fasting) / 2


def mets_ir_mass(glucose_fasting, triglycerides, hdl, bmi):
    """METS-IR from mg/dL and kg/m² [1]. Source: BELLO-CHAVOLLA-2018."""
    return np.log(2 * glucose_fasting + triglycerides) * bmi / np.log(hdl)


def ldl_mass(cholesterol_total, hdl, triglycerides):
    """LDL by Sampson from mg/dL [mg/dL], valid to triglycerides of 800. Source: SAMPSON-2020."""
    non_hdl = cholesterol_total - hdl
    return (
        cholesterol_total / 0.948
        - hdl / 0.971
        - (triglycerides / 8.56 + triglycerides * non_hdl / 2140 - triglycerides**2 / 16100)
        - 9.44
    )


def ldl_friedewald_mass(cholesterol_total, hdl, triglycerides):
    """LDL by Friedewald from mg/dL [mg/dL]. Source: FRIEDEWALD-1972."""
    return cholesterol_total - hdl - triglycerides / 5


def fli_mass(triglycerides, bmi, ggt, waist):
    """Fatty liver index from mg/dL, kg/m², U/L and cm [1]. Source: BEDOGNI-2006."""
    weighed = 0.953 * np.log(triglycerides) + 0.139 * bmi + 0.718 * np.log(ggt) + 0.053 * waist
    return 100 / (1 + np.exp(15.745 - weighed))


def gmi_mass(cgm_mean):
    """GMI from mg/dL [%]. Source: BERGENSTAL-2018."""
    return 3.31 + 0.02392 * cgm_mean


def _in_mmol(mass_form):
    """Return ``mass_form`` with its cholesterol in mmol/L."""
    return lambda *inputs: mass_form(*inputs) / CHOLESTEROL_MG_DL


# The computed markers.


@_marker(rises="weight", falls="height")
def bmi(weight, height):
    """Body mass index [kg/m2]. Source: WHO."""
    return weight / (height / 100) ** 2


@_marker(rises="waist", falls="height")
def whtr(waist, height):
    """Waist over height [1]. Source: NICE-2022."""
    return waist / height


@_marker(rises="hba1c")
def hba1c_ngsp(hba1c):
    """HbA1c in NGSP units [%]; for display only, never judged. Source: IFCC."""
    return 0.09148 * hba1c + 2.152


def hba1c_from_ngsp(ngsp):
    """HbA1c in IFCC units [mmol/mol], before rounding to a whole number. Source: IFCC."""
    return 10.93 * ngsp - 23.50


@_marker(rises="hba1c")
def eag(hba1c):
    """Estimated average glucose from HbA1c [mmol/L]. Source: NATHAN-2008."""
    return 1.59 * hba1c_ngsp(hba1c) - 2.59


@_marker(rises="glucose_fasting insulin_fasting", mass=homa_ir_mass, fasting=True, same_draw=True)
def homa_ir(glucose_fasting, insulin_fasting):
    """HOMA1-IR [1]; never comparable with HOMA2. Source: MATTHEWS-1985."""
    return glucose_fasting * insulin_fasting / 22.5


@_marker(rises="insulin_fasting", mass=homa_b_mass, fasting=True, same_draw=True)
def homa_b(glucose_fasting, insulin_fasting):
    """HOMA1-%B [%]; has a pole at a glucose of 3.5 mmol/L. Source: MATTHEWS-1985."""
    return 20 * insulin_fasting / (glucose_fasting - 3.5)


@_marker(falls="glucose_fasting insulin_fasting", mass=quicki_mass, fasting=True, same_draw=True)
def quicki(glucose_fasting, insulin_fasting):
    """QUICKI [1]. Source: KATZ-2000."""
    return quicki_mass(glucose_fasting * GLUCOSE_MG_DL, insulin_fasting)


@_marker(rises="triglycerides glucose_fasting", mass=tyg_mass, fasting=True)
def tyg(triglycerides, glucose_fasting):
    """TyG index, variant A [1]. Source: SIMENTAL-2008; S19."""
    return tyg_mass(triglycerides * TRIGLYCERIDES_MG_DL, glucose_fasting * GLUCOSE_MG_DL)


@_marker(rises="tyg bmi", fasting=True)
def tyg_bmi(tyg, bmi):
    """TyG index times body mass index [1]. Source: SIMENTAL-2008."""
    return tyg * bmi


@_marker(rises="glucose_fasting triglycerides bmi", falls="hdl", mass=mets_ir_mass, fasting=True)
def mets_ir(glucose_fasting, triglycerides, hdl, bmi):
    """METS-IR [1]. Source: BELLO-CHAVOLLA-2018."""
    return mets_ir_mass(
        glucose_fasting * GLUCOSE_MG_DL,
        triglycerides * TRIGLYCERIDES_MG_DL,
        hdl * CHOLESTEROL_MG_DL,
        bmi,
    )


@_marker(falls="insulin_fasting triglycerides", fasting=True)
def mcauley(insulin_fasting, triglycerides):
    """McAuley index [1]. Source: MCAULEY-2001; ASCASO-2003."""
    return np.exp(2.63 - 0.28 * np.log(insulin_fasting) - 0.31 * np.log(triglycerides))


@_marker(rises="triglycerides", falls="hdl")
def tg_hdl_molar(triglycerides, hdl):
    """Triglycerides over HDL in mmol [mol/mol]. Source: SALAZAR-2012."""
    return triglycerides / hdl


@_marker(rises="tg_hdl_molar")
def tg_hdl_mass(tg_hdl_molar):
    """Triglycerides over HDL in mg [mg/mg]. Source: SALAZAR-2012."""
    return tg_hdl_molar * MASS_PER_MOLAR


@_marker(rises="cholesterol_total", falls="hdl")
def non_hdl(cholesterol_total, hdl):
    """Non-HDL cholesterol [mmol/L]. Source: ESC-EAS-2019."""
    return cholesterol_total - hdl


@_marker(mass=_in_mmol(ldl_mass))
def ldl(cholesterol_total, hdl, triglycerides):
    """LDL by Sampson [mmol/L], where the laboratory gives none. Source: SAMPSON-2020."""
    return _in_mmol(ldl_mass)(
        cholesterol_total * CHOLESTEROL_MG_DL,
        hdl * CHOLESTEROL_MG_DL,
        triglycerides * TRIGLYCERIDES_MG_DL,
    )


@_marker(
    rises="cholesterol_total",
    falls="hdl triglycerides",
    mass=_in_mmol(ldl_friedewald_mass),
    fasting=True,
)
def ldl_friedewald(cholesterol_total, hdl, triglycerides):
    """LDL by Friedewald [mmol/L], beside LDL for comparison. Source: FRIEDEWALD-1972."""
    return cholesterol_total - hdl - triglycerides / 2.2


@_marker()
def remnant_c(cholesterol_total, hdl, ldl):
    """Remnant cholesterol [mmol/L] from a reported or Sampson LDL. Source: ESC-EAS-2019."""
    return cholesterol_total - hdl - ldl


@_marker(rises="ast", falls="platelets alt")
def fib4(age, ast, platelets, alt):
    """FIB-4 [1]. Source: STERLING-2006."""
    return age * ast / (platelets * np.sqrt(alt))


@_marker(rises="triglycerides bmi ggt waist", mass=fli_mass)
def fli(triglycerides, bmi, ggt, waist):
    """Fatty liver index [1], 0 to 100. Source: BEDOGNI-2006."""
    return fli_mass(triglycerides * TRIGLYCERIDES_MG_DL, bmi, ggt, waist)


@_marker(rises="alt bmi", falls="ast")
def hsi(alt, ast, bmi, female, diabetes):
    """Hepatic steatosis index [1]. Source: LEE-2010."""
    return 8 * alt / ast + bmi + 2 * female + 2 * diabetes


@_marker(rises="testosterone_total", falls="shbg")
def fai(testosterone_total, shbg):
    """Free androgen index [%], women only. Source: specification-2."""
    return 100 * testosterone_total / shbg


@_marker(rises="ft3", falls="rt3")
def ft3_rt3(ft3, rt3):
    """FT3 over reverse T3 [pmol/nmol]; in no guideline. Source: S32."""
    return ft3 / rt3


@_marker(falls="creatinine")
def egfr(creatinine, age, female):
    """EGFR by CKD-EPI 2021 [mL/min/{1.73_m2}], where none is reported. Source: INKER-2021."""
    kappa = np.where(female, 0.7, 0.9)
    alpha = np.where(female, -0.241, -0.302)
    ratio = creatinine / CREATININE_UMOL_L / kappa
    return (
        142
        * np.minimum(ratio, 1) ** alpha
        * np.maximum(ratio, 1) ** -1.200
        * 0.9938**age
        * np.where(female, 1.012, 1)
    )


@_marker(mass=gmi_mass)
def gmi(cgm_mean):
    """GMI [%]; never compared with HbA1c limits. Source: BERGENSTAL-2018."""
    return gmi_mass(cgm_mean * GLUCOSE_MG_DL)


_MINUTES = (0, 30, 60, 90, 120)
_BETWEEN = " ".join(f"{a}_ogtt_{m}" for a in ("glucose", "insulin") for m in (30, 60, 90))
_ENDS = "glucose_ogtt_0 glucose_ogtt_120 insulin_ogtt_0 insulin_ogtt_120"


def matsuda_mass(*glucose_then_insulin):
    """Matsuda index from five values in mg/dL, then five in mU/L [1]. Source: MATSUDA."""
    glucose, insulin = glucose_then_insulin[:5], glucose_then_insulin[5:]
    known = [~(np.isnan(g) | np.isnan(i)) for g, i in zip(glucose, insulin, strict=True)]
    means = _mean_over_120_minutes(glucose, known) * _mean_over_120_minutes(insulin, known)
    return 10000 / np.sqrt(glucose[0] * insulin[0] * means)


def _mean_over_120_minutes(values, known):
    """Return the trapezoid area under the known points, over 120 minutes."""
    area, last_value, last_minute = 0.0, values[0], 0.0
    for minute, value, is_known in zip(_MINUTES[1:], values[1:], known[1:], strict=True):
        step = (minute - last_minute) * (last_value + value) / 2
        area = area + np.where(is_known, step, 0.0)
        last_value = np.where(is_known, value, last_value)
        last_minute = np.where(is_known, minute, last_minute)
    return area / 120


@_marker(falls=f"{_ENDS} {_BETWEEN}", optional=_BETWEEN, mass=matsuda_mass)
def matsuda(
    glucose_ogtt_0,
    glucose_ogtt_30,
    glucose_ogtt_60,
    glucose_ogtt_90,
    glucose_ogtt_120,
    insulin_ogtt_0,
    insulin_ogtt_30,
    insulin_ogtt_60,
    insulin_ogtt_90,
    insulin_ogtt_120,
):
    """Matsuda index [1] with means as area under the curve over 120 minutes. Source: MATSUDA.

    A time point counts where glucose and insulin are both known; 0 and 120 minutes must be.
    """
    glucose = (glucose_ogtt_0, glucose_ogtt_30, glucose_ogtt_60, glucose_ogtt_90, glucose_ogtt_120)
    insulin = (insulin_ogtt_0, insulin_ogtt_30, insulin_ogtt_60, insulin_ogtt_90, insulin_ogtt_120)
    return matsuda_mass(*(value * GLUCOSE_MG_DL for value in glucose), *insulin)


@_marker()
def insulinogenic_index(glucose_ogtt_0, glucose_ogtt_30, insulin_ogtt_0, insulin_ogtt_30):
    """Insulinogenic index [m[IU]/mmol]; none where glucose did not rise. Source: HAYASHI-2013."""
    rise = glucose_ogtt_30 - glucose_ogtt_0
    return (insulin_ogtt_30 - insulin_ogtt_0) / np.where(rise > 0, rise, np.nan)


@_marker()
def disposition_index(insulinogenic_index, insulin_ogtt_0):
    """Oral disposition index, IGI over fasting insulin [1/mmol]. Source: HAYASHI-2013."""
    return insulinogenic_index / insulin_ogtt_0
