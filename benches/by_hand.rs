//! The kinetics of the default model in the dermis, written by hand: what a programmer who knew the model would write, one
//! function over vectors of eight cells, everything in registers. It is the measure of the model language's speed and says
//! nothing of the biology; whoever runs it compares its values with the language's first. Constants come from the model by name.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Cells of a vector.
pub const LANES: usize = 8;

/// Divisions of a cell.
pub const DIVISIONS: f64 = 26.0;

/// The fields in the order of rows, inputs and rates.
pub const FIELDS: [&str; 28] = [
    "lumen",
    "debris",
    "clot",
    "cytokine",
    "neutrophil",
    "macrophage_inflammatory",
    "macrophage_repair",
    "tgf_beta",
    "tgf_beta3",
    "pdgf",
    "vegf",
    "fibroblast",
    "myofibroblast",
    "loop_fatigue",
    "collagen_III",
    "collagen_I",
    "collagen_set_point",
    "collagen_crosslinked",
    "collagen_disorganised",
    "elastin",
    "protease",
    "capillary",
    "oedema",
    "haemoglobin",
    "bilirubin",
    "melanin_dermal",
    "bacteria",
    "biofilm",
];

/// A value for each of eight cells.
#[derive(Debug, Clone, Copy)]
pub struct Vector<const FUSED: bool>([f64; LANES]);

impl<const FUSED: bool> Vector<FUSED> {
    #[inline(always)]
    fn all(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn load(row: &[f64], at: usize) -> Self {
        let mut out = [0.0; LANES];
        out.copy_from_slice(&row[at..at + LANES]);
        Self(out)
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    fn with(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self.0;
        out.iter_mut().zip(other.0).for_each(|(a, b)| *a = f(*a, b));
        Self(out)
    }

    /// self · b + c
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        let mut out = self.0;
        for lane in 0..LANES {
            out[lane] = if FUSED { out[lane].mul_add(b.0[lane], c.0[lane]) } else { out[lane] * b.0[lane] + c.0[lane] };
        }
        Self(out)
    }

    #[inline(always)]
    fn positive(self) -> Self {
        self.map(|a| if a > 0.0 { a } else { 0.0 })
    }

    #[inline(always)]
    fn hill(self, half: Self) -> Self {
        self / (self + half)
    }

    #[inline(always)]
    fn hill2(self, half: Self) -> Self {
        let square = self * self;
        square / half.fma(half, square)
    }
}

macro_rules! operator {
    ($trait:ident, $name:ident, $sign:tt) => {
        impl<const FUSED: bool> $trait for Vector<FUSED> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                self.with(other, |a, b| a $sign b)
            }
        }
    };
}
operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

impl<const FUSED: bool> Neg for Vector<FUSED> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|a| -a)
    }
}

macro_rules! constants {
    ($($name:ident)*) => {
        /// The numbers of the model, SI.
        #[derive(Debug, Clone)]
        #[allow(non_snake_case, missing_docs)]
        pub struct Constants { $($name: f64,)* }

        impl Constants {
            /// Reads each by its name.
            pub fn read(mut number: impl FnMut(&str) -> f64) -> Self {
                Self { $($name: number(stringify!($name)),)* }
            }
        }

        /// The same for every lane.
        #[allow(non_snake_case)]
        #[allow(dead_code)]
        struct Vectors<const FUSED: bool> { $($name: Vector<FUSED>,)* }

        impl<const FUSED: bool> Vectors<FUSED> {
            #[inline(always)]
            fn of(constants: &Constants) -> Self {
                Self { $($name: Vector::all(constants.$name),)* }
            }
        }
    };
}
constants! {
    kappa_el eta kappa_LG c_co c_cr C1_set d_D e_N e_M g_0 g_f g_M p_ID p_IN p_IM d_I a_I r_N K_IN N_m d_N r_M K_IM d_M1 k_s I_s d_2
    p_TG p_TM1 p_TM2 p_Tm a_rest t_scar d_T p_3M p_PG p_PM d_P p_VO p_VM d_V r_f kappa rho_T rho_P K_P k_fm K_Tm K_3 theta_f kappa_m
    k_mf d_m eta_m k_U d_U K_U k_set delta_3 a_3 s_3 beta_3 zeta_3 mu omega K_TC delta_1 s_1 s_f zeta_1 C_max tau_X phi_s
    s_S S_max d_S delta_E E_set s_E zeta_E E_max d_Z a_Z p_ZN p_ZM p_Zf K_ZI a_b K_V b_max r_b K_G l_W l_H z_H K_IW k_ly
    tau_H tau_R y_R m_H Me_star k_inc z_basal tau_Md mu_X w_X a_X K_OX k_ph K_ph k_h K_hX k_bf X_bf mu_Y Y_c r_Y p_IX k_X
}

/// What the rates depend on besides the fields.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Oxygen in each cell.
    pub oxygen: &'a [f64],
    /// The flare above each cell.
    pub flare: &'a [f64],
    /// Holes whose wall has not contracted, and those in which no serum has dried, above each cell.
    pub gaping: &'a [f64],
    /// As `gaping`.
    pub moist: &'a [f64],
    /// Time for which the skin above each cell has been kept from healing [s].
    pub unrest: &'a [f64],
    /// Oxygen at rest at this depth.
    pub oxygen_at_rest: f64,
    /// Depth [m].
    pub depth: f64,
    /// Occlusion of the surface.
    pub occlusion: f64,
}

/// Rates of so many cells (a multiple of [`LANES`]); rows of fields and rates in the order of [`FIELDS`].
#[inline(always)]
pub fn rates<const FUSED: bool>(
    constants: &Constants,
    around: &Surroundings<'_>,
    rows: &[&[f64]; 28],
    cells: usize,
    out: &mut [f64],
) {
    type V<const F: bool> = Vector<F>;
    let one = V::<FUSED>::all(1.0);
    let two = V::<FUSED>::all(2.0);
    // What is the same for all cells of a depth.
    let at_rest = around.oxygen_at_rest;
    let effect_at_rest = V::<FUSED>::all((at_rest + constants.K_G) / at_rest);
    let per_rest = V::<FUSED>::all(1.0 / at_rest);
    let recoil = V::<FUSED>::all(constants.kappa_el * (1.0 - constants.eta * around.occlusion).max(0.0));
    let by_flare = V::<FUSED>::all(constants.l_H * (-around.depth / constants.z_H).exp());
    let dropped = V::<FUSED>::all(constants.k_inc * constants.Me_star * (-around.depth / constants.z_basal).exp());
    let of_room = V::<FUSED>::all(1.0 / (constants.C_max - 1.0));
    let per_tau = |tau: f64| V::<FUSED>::all(1.0 / tau);
    let (per_h, per_r) = (per_tau(constants.tau_H), per_tau(constants.tau_R));
    let (per_md, per_x) = (per_tau(constants.tau_Md), per_tau(constants.tau_X));
    let per_e = V::<FUSED>::all(1.0 / (constants.E_max - 1.0));
    let per_s = V::<FUSED>::all(1.0 / constants.S_max);
    let per_set = V::<FUSED>::all(1.0 / constants.C1_set);
    let scarring = V::<FUSED>::all(constants.t_scar.powi(4));
    let per_b = V::<FUSED>::all(1.0 / constants.b_max);
    let per_n = V::<FUSED>::all(1.0 / constants.N_m);
    let per_is = V::<FUSED>::all(1.0 / constants.I_s);
    let kill = V::<FUSED>::all(constants.k_h / constants.r_Y);
    let eat = V::<FUSED>::all(constants.k_ph / constants.r_Y);
    let k = Vectors::<FUSED>::of(constants);
    for at in (0..cells).step_by(LANES) {
        macro_rules! rows {
            ($($name:ident)*) => { let mut row = rows.iter(); $(let $name = match row.next() {
                Some(row) => V::<FUSED>::load(row, at),
                None => one,
            };)* };
        }
        rows!(lumen debris clot cytokine neutrophil m1 m2 tgf tgf3 pdgf vegf fibroblast myofibroblast fatigue c3 c1 set
            crosslinked scar elastin protease capillary oedema haemoglobin bilirubin melanin bacteria biofilm);
        let oxygen = V::<FUSED>::load(around.oxygen, at);
        let flare = V::<FUSED>::load(around.flare, at);
        let (gaping, moist) = (V::<FUSED>::load(around.gaping, at), V::<FUSED>::load(around.moist, at));
        let unrest = V::<FUSED>::load(around.unrest, at);
        let mut row = 0;
        let mut put = |value: V<FUSED>| {
            out[row * cells + at..][..LANES].copy_from_slice(&value.0);
            row += 1;
        };
        let macrophages = m1 + m2;
        let effect = oxygen.hill(k.K_G) * effect_at_rest;
        let hypoxia = (one - oxygen * per_rest).positive();
        let by_tgf = tgf.hill(k.K_P);
        let passable = lumen * (k.c_co * gaping + (one - k.c_co) * (one - k.c_cr + k.c_cr * moist));
        let closed = (one - passable).positive();
        let stimulus = k.beta_3.fma(tgf3.hill(k.K_TC), tgf.hill(k.K_TC));
        let makers = (one - k.phi_s) * k.eta_m;
        let makers = makers.fma(myofibroblast, fibroblast);
        let room = (k.C_max - V::all(0.2) * c3 - V::all(0.8) * c1).positive() * of_room;
        let rested = (k.C_max - V::all(0.2) - V::all(0.8) * set).with(V::all(0.1), |a, b| if a > b { a } else { b });
        let filled = room / (rested * of_room);
        let protein = k.zeta_1.fma(protease, one);

        put(-((recoil + k.kappa_LG * clot) * lumen));
        let cleared = k.e_M.fma(two.fma(m2, m1), k.e_N.fma(neutrophil, k.d_D));
        put(k.k_X * bacteria - cleared * debris);
        put(-(k.g_M.fma(macrophages, k.g_f.fma(fibroblast, k.g_0)) * clot));
        let released = k.p_ID * debris + k.p_IN * neutrophil + k.p_IM * m1 + k.p_IX * (bacteria + biofilm);
        put(released - k.d_I * k.a_I.fma(m2, one) * cytokine);
        put(k.r_N * capillary * cytokine.hill2(k.K_IN) * (one - neutrophil * per_n).positive() - k.d_N * neutrophil);
        let ratio = cytokine * per_is;
        let switched = k.k_s / ratio.fma(ratio, one) * m1;
        put(k.r_M * capillary * cytokine.hill2(k.K_IM) - k.d_M1 * m1 - switched);
        put(switched - k.d_2 * m2);
        let awake = unrest * unrest * unrest * unrest;
        let loops = k.p_Tm * k.a_rest.fma(awake / (scarring + awake), one) * (one - fatigue).positive();
        put(k.p_TG * clot + k.p_TM1 * m1 + k.p_TM2 * m2 + loops * myofibroblast - k.d_T * tgf);
        put(k.p_3M * m2 - k.d_T * tgf3);
        put(k.p_PG * clot + k.p_PM * macrophages - k.d_P * pdgf);
        put(k.p_VO * hypoxia + k.p_VM * m2 - k.d_V * vegf);
        let division = k.r_f * k.rho_P.fma(pdgf.hill(k.K_P), k.rho_T.fma(by_tgf, one));
        let turned = k.k_fm * tgf.hill2(k.K_Tm) * fibroblast * k.K_3 / (k.K_3 + tgf3);
        let returned = k.k_mf * myofibroblast;
        let crowded = k.kappa * k.kappa_m.fma(myofibroblast, fibroblast);
        let died = k.r_f * (one - k.kappa) * fibroblast;
        put(division * (one - crowded) * fibroblast - died + k.theta_f * (returned - turned));
        put(turned - returned - k.d_m * myofibroblast);
        put(k.k_U * myofibroblast.hill(k.K_U) * (one - fatigue) - k.d_U * fatigue);
        let matured = k.mu * (c3 - one).positive();
        let made = k.delta_3 * (one - k.a_3 + k.a_3 * filled) + k.s_3 * stimulus * room;
        put(made * makers * effect - k.delta_3 * k.zeta_3.fma(protease, one) * c3 - matured);
        let demanded = (k.s_1 * stimulus * makers + k.s_f * (fibroblast - one).positive()) * room;
        let template = (c1 * per_set).with(one, |a, b| if a < b { a } else { b });
        let made = k.delta_1 * set * makers * filled + demanded * template;
        put(made * effect + k.omega * matured - k.delta_1 * protein * c1);
        let least = c1.with(one, |a, b| if a < b { a } else { b });
        put(k.k_set * by_tgf * (least - set));
        put((c1 - crosslinked) * per_x);
        let laid = k.s_S * k.phi_s * k.eta_m * myofibroblast + demanded * (one - template).positive();
        put(laid * effect * (one - scar * per_s).positive() - k.d_S * protein * scar);
        let stretched = k.s_E * stimulus * (k.E_max - elastin).positive() * per_e;
        put((k.delta_E * k.E_set + stretched) * fibroblast - k.zeta_E.fma(protease, k.delta_E) * elastin);
        let released = k.p_ZN * neutrophil + k.p_ZM * m1 + k.p_Zf * fibroblast * cytokine.hill(k.K_ZI);
        put(released - k.d_Z * k.a_Z.fma(by_tgf, one) * protease);
        let sprouting = k.a_b * vegf.hill(k.K_V) * (one - capillary * per_b);
        put((sprouting + k.r_b * (one - capillary)) * capillary);
        put(k.l_W * capillary * cytokine.hill2(k.K_IW) + by_flare * flare - k.k_ly * oedema);
        let broken = haemoglobin * per_h * k.m_H.fma(macrophages, one);
        put(-broken);
        put(k.y_R * broken - bilirubin * per_r);
        put(dropped * debris - melanin * per_md);
        let settled = k.k_bf * bacteria * bacteria / (k.X_bf + bacteria);
        let fed = k.mu_X * (one - k.w_X).fma(passable, k.w_X) * (k.a_X + (one - k.a_X) * oxygen.hill(k.K_OX));
        let eaten = k.k_ph * neutrophil * k.K_ph / (k.K_ph + bacteria);
        put((fed * (one - bacteria) - eaten - k.k_h * closed * k.K_hX / (k.K_hX + bacteria)) * bacteria - settled);
        let grown = k.mu_Y * biofilm.hill(k.Y_c) * (one - biofilm);
        put(settled + (grown - kill * closed - eat * neutrophil) * biofilm);
    }
}
