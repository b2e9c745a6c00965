"""The uncorrected equations in one axisymmetric unit cell, solved without the engine.

One channel in the middle of a cell of radius 0.357 mm (the area of one of 250 channels per cm2), one uniform layer, no
depth, 22 fields, days and millimetres. Space: finite volumes on rings, upwind chemotaxis, harmonic means of the
diffusivity. Time: SciPy's BDF at tight tolerance. `models/response/uncorrected.toml` states the same system for the
engine; the two share nothing but the equations.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import diags, kron

# Order of the fields in the state, and the names they have in the model file.
FIELDS = {
    "L": "lumen", "A": "activation", "K": "keratinocyte", "D": "debris", "G": "clot", "I": "cytokine",
    "N": "neutrophil", "M1": "macrophage_inflammatory", "M2": "macrophage_repair", "T": "tgf_beta", "T3": "tgf_beta3",
    "P": "pdgf", "V": "vegf", "f": "fibroblast", "m": "myofibroblast", "C3": "collagen_III", "C1": "collagen_I",
    "E": "elastin", "Z": "protease", "b": "capillary", "O": "oxygen", "W": "oedema",
}
SYMBOLS = list(FIELDS)
O_REST = 0.6

CONSTANTS = dict(
    kappa_el=24.0, kappa_LK=0.8, kappa_LG=0.1,
    k_A=4.0, d_A=1.0, K_AI=0.02, D_K=8.64e-3, s_K=0.69, h_K=0.3, K_KP=0.05,
    D_D=0.01, d_D=1.8, e_N=0.6, e_M=0.5,
    g_0=0.05, g_f=0.15, g_M=0.3,
    D_I=0.86, d_I=12.0, p_ID=12.0, p_IN=0.12, p_IM=0.12, a_I=3.0,
    D_N=0.1, chi_N=0.05, r_N=11.0, K_IN=0.03, N_m=3.0, d_N=2.4,
    D_M=0.01, chi_M=0.01, r_M=1.6, K_IM=0.03, d_M1=0.25, k_s=0.6, I_s=0.03, d_2=0.2,
    D_T=0.29, d_T=9.1, p_TG=0.9, p_TM1=0.1, p_TM2=0.9, p_Tm=0.6, p_3M=0.9, p_3A=0.15,
    D_P=0.86, d_P=3.6, p_PG=3.6, p_PM=0.3,
    D_V=0.86, d_V=11.0, p_VO=4.0, p_VM=0.8,
    D_f=0.004, chi_f=0.01, P_s=0.1, r_f=0.41, kappa=0.1, rho_T=0.25, rho_P=0.25, K_T=0.05, K_P=0.05,
    D_m=0.001, k_fm=0.15, K_Tm=0.12, K_3=0.05, k_mf=0.02, d_m=0.10, eta_m=2.0,
    delta_3=0.02, s_3=0.07, beta_3=0.5, zeta_3=0.5, mu=0.015, omega=0.25, K_TC=0.05,
    delta_1=7e-4, s_1=0.006, s_f=0.008, zeta_1=8.0, C_max=2.5,
    delta_E=2.6e-5, s_E=0.001, zeta_E=0.01, E_max=1.5,
    D_Z=0.09, d_Z=1.5, a_Z=2.0, p_ZN=0.6, p_ZM=0.8, p_Zf=0.3, K_ZI=0.05,
    D_b=0.0043, chi_b=0.002, a_b=0.25, K_V=0.05, b_max=1.6, r_b=0.03,
    D_O=173.0, q_O=1500.0, K_O=0.05,
    D_W=0.1, l_W=2.0, K_IW=0.05, k_ly=1.2,
)
CONSTANTS["delta_f"] = CONSTANTS["r_f"] * (1 - CONSTANTS["kappa"])
CONSTANTS["k_p"] = CONSTANTS["q_O"] * (O_REST / (CONSTANTS["K_O"] + O_REST)) / (1 - O_REST)

DIFFUSIVITY = {
    "D": "D_D", "I": "D_I", "N": "D_N", "M1": "D_M", "M2": "D_M", "T": "D_T", "T3": "D_T", "P": "D_P", "V": "D_V",
    "f": "D_f", "m": "D_m", "Z": "D_Z", "b": "D_b", "O": "D_O", "W": "D_W",
}
REMAINING_AFTER_INJURY = {"f": 0.8, "m": 0.8, "b": 0.8, "C3": 0.3, "C1": 0.3, "E": 0.3}


def hill(x, half, power=1):
    """x^n / (K^n + x^n), zero for x <= 0."""
    x = np.maximum(x, 0) ** power
    return x / (half**power + x)


class UnitCell:
    """The cell on a grid of rings; `refine` splits each of the 48 rings of the plain grid."""

    def __init__(self, refine=1):
        self.faces = np.concatenate(
            [np.linspace(0, 0.1, 24 * refine + 1), np.linspace(0.1, 0.357, 24 * refine + 1)[1:]]
        )
        self.centres = 0.5 * (self.faces[1:] + self.faces[:-1])
        self.volume = np.pi * np.diff(self.faces**2)
        self.conductance = 2 * np.pi * self.faces[1:-1] / np.diff(self.centres)
        self.area = 2 * np.pi * self.faces[1:-1]
        self.size = len(self.centres)

    def mean(self, values):
        return values @ self.volume / self.volume.sum()

    def rest(self):
        state = np.zeros((len(SYMBOLS), self.size))
        for symbol in ("K", "f", "C3", "C1", "E", "b"):
            state[SYMBOLS.index(symbol)] = 1.0
        state[SYMBOLS.index("O")] = O_REST
        return state

    def puncture(self, state, damage_radius=0.05, lumen_radius=0.035):
        damage = 1 / (1 + np.exp((self.centres - damage_radius) / 0.004))
        opened = 1 / (1 + np.exp((self.centres - lumen_radius) / 0.003))
        u = dict(zip(SYMBOLS, state.copy()))
        u["L"] = np.maximum(u["L"], opened)
        u["K"] = u["K"] * (1 - damage)
        u["D"] = u["D"] + damage
        u["G"] = np.maximum(u["G"], damage)
        for symbol, lost in REMAINING_AFTER_INJURY.items():
            u[symbol] = u[symbol] * (1 - lost * damage)
        return np.array([u[symbol] for symbol in SYMBOLS])

    def _spread(self, flux):
        change = np.zeros(self.size)
        change[:-1] += flux
        change[1:] -= flux
        return change / self.volume

    def diffusion(self, diffusivity, u):
        d = diffusivity * np.ones(self.size)
        between = 2 * d[1:] * d[:-1] / (d[1:] + d[:-1] + 1e-30)
        return self._spread(between * np.diff(u) * self.conductance)

    def chemotaxis(self, sensitivity, u, signal, saturation=None):
        speed = sensitivity * np.diff(signal) / np.diff(self.centres)
        if saturation is not None:
            speed = speed / (1 + 0.5 * (signal[1:] + signal[:-1]) / saturation) ** 2
        return -self._spread(speed * np.where(speed > 0, u[:-1], u[1:]) * self.area)

    def rate(self, _time, flat, c=CONSTANTS):
        state = flat.reshape(len(SYMBOLS), self.size)
        L, A, K, D, G, I, N, M1, M2, T, T3, P, V, f, m, C3, C1, E, Z, b, O, W = state
        supplied = hill(O, 0.1) / hill(O_REST, 0.1)
        makers = f + c["eta_m"] * m
        room = np.maximum(c["C_max"] - 0.2 * C3 - 0.8 * C1, 0) / (c["C_max"] - 1)
        stimulus = hill(T, c["K_TC"]) + c["beta_3"] * hill(T3, c["K_TC"])
        switch = c["k_s"] / (1 + (I / c["I_s"]) ** 2)
        transition = c["k_fm"] * hill(T, c["K_Tm"], 2) / (1 + T3 / c["K_3"])
        activated = c["k_A"] * hill(I, c["K_AI"], 2)
        renewal = c["s_K"] * (0.2 + A)
        arrivals = c["r_N"] * b * hill(I, c["K_IN"], 2)
        division = c["r_f"] * (1 + c["rho_T"] * hill(T, c["K_T"]) + c["rho_P"] * hill(P, c["K_P"]))
        sprouting = c["a_b"] * hill(V, c["K_V"])
        rate = {
            "L": -(c["kappa_el"] + c["kappa_LK"] * K + c["kappa_LG"] * G) * L,
            "A": activated * (1 - A) - c["d_A"] * A,
            "K": renewal * K * (1 - K / (1 + c["h_K"] * hill(P, c["K_KP"]))) + self.diffusion(c["D_K"] * A, K),
            "D": -(c["d_D"] + c["e_N"] * N + c["e_M"] * (M1 + 2 * M2)) * D,
            "G": -(c["g_0"] + c["g_f"] * f + c["g_M"] * (M1 + M2)) * G,
            "I": c["p_ID"] * D + c["p_IN"] * N + c["p_IM"] * M1 - c["d_I"] * (1 + c["a_I"] * M2) * I,
            "N": arrivals * (1 - N / c["N_m"]) - c["d_N"] * N + self.chemotaxis(c["chi_N"], N, I),
            "M1": c["r_M"] * b * hill(I, c["K_IM"], 2) - (c["d_M1"] + switch) * M1 + self.chemotaxis(c["chi_M"], M1, I),
            "M2": switch * M1 - c["d_2"] * M2,
            "T": c["p_TG"] * G + c["p_TM1"] * M1 + c["p_TM2"] * M2 + c["p_Tm"] * m - c["d_T"] * T,
            "T3": c["p_3M"] * M2 + c["p_3A"] * A - c["d_T"] * T3,
            "P": c["p_PG"] * G + c["p_PM"] * (M1 + M2) - c["d_P"] * P,
            "V": c["p_VO"] * np.maximum(1 - O / O_REST, 0) + c["p_VM"] * M2 - c["d_V"] * V,
            "f": division * f * (1 - c["kappa"] * (f + m)) - (c["delta_f"] + transition) * f + c["k_mf"] * m
            + self.chemotaxis(c["chi_f"], f, P, c["P_s"]),
            "m": transition * f - (c["k_mf"] + c["d_m"]) * m,
            "C3": (c["delta_3"] + c["s_3"] * stimulus) * makers * supplied * room
            - c["delta_3"] * (1 + c["zeta_3"] * Z) * C3 - c["mu"] * np.where(C3 > 1, C3 - 1, 0),
            "C1": (c["delta_1"] * makers + c["s_1"] * makers * stimulus + c["s_f"] * np.maximum(f - 1, 0))
            * supplied * room
            + c["omega"] * c["mu"] * np.maximum(C3 - 1, 0) - c["delta_1"] * (1 + c["zeta_1"] * Z) * C1,
            "E": c["delta_E"] * f + c["s_E"] * f * stimulus * np.maximum(c["E_max"] - E, 0) / (c["E_max"] - 1)
            - (c["delta_E"] + c["zeta_E"] * Z) * E,
            "Z": c["p_ZN"] * N + c["p_ZM"] * M1 + c["p_Zf"] * f * hill(I, c["K_ZI"])
            - c["d_Z"] * (1 + c["a_Z"] * hill(T, c["K_T"])) * Z,
            "b": (sprouting + c["r_b"]) * b - (sprouting / c["b_max"] + c["r_b"]) * b * b
            + self.chemotaxis(c["chi_b"], b, V),
            "O": c["k_p"] * b * (1 - O) - c["q_O"] * O / (c["K_O"] + O),
            "W": c["l_W"] * b * hill(I, c["K_IW"], 2) - c["k_ly"] * W,
        }
        for symbol, name in DIFFUSIVITY.items():
            rate[symbol] = rate[symbol] + self.diffusion(c[name], state[SYMBOLS.index(symbol)])
        return np.array([rate[symbol] for symbol in SYMBOLS]).ravel()

    def run(self, times, tolerance=1e-7):
        """The state at each of `times` [d] after one puncture of resting skin at time 0."""
        blocks = np.ones((len(SYMBOLS), len(SYMBOLS)))
        neighbours = diags([1.0, 1.0, 1.0], [-1, 0, 1], shape=(self.size, self.size))
        solution = solve_ivp(
            self.rate, (0, times[-1]), self.puncture(self.rest()).ravel(), method="BDF", t_eval=times,
            jac_sparsity=kron(blocks, neighbours), rtol=tolerance, atol=tolerance * 1e-3,
        )
        if not solution.success:
            raise RuntimeError(solution.message)
        return solution.y.T.reshape(len(times), len(SYMBOLS), self.size)
