"""Writes unit_cell.json beside this file. Needs Python 3.10+, numpy and scipy; takes a few minutes."""

import json
from pathlib import Path

import numpy as np

from unit_cell import FIELDS, O_REST, SYMBOLS, UnitCell

DAYS = [0.25, 0.5, 1, 2, 3, 5, 7, 10, 14, 28, 56, 91, 182, 365]


def measure(refine):
    cell = UnitCell(refine)
    residual = float(np.abs(cell.rate(0, cell.rest().ravel())).max())
    times = np.unique(np.concatenate([[0.0], DAYS, np.geomspace(1e-4, 365, 1200)]))
    states = cell.run(times)
    means = cell.mean(states)
    rest = cell.mean(cell.rest())
    fields = {}
    for k, symbol in enumerate(SYMBOLS):
        deviation = means[:, k] - rest[k]
        peak = int(np.abs(deviation).argmax())
        fields[FIELDS[symbol]] = {
            "symbol": symbol,
            "rest": float(rest[k]),
            "mean": [float(means[np.searchsorted(times, day), k]) for day in DAYS],
            "max_excursion": float(abs(deviation[peak])),
            "max_excursion_day": float(times[peak]),
        }
    return cell, residual, fields


plain, residual, fields = measure(1)
finer, _, finer_fields = measure(2)
print("largest rate of change at rest [1/d]:", residual)
for name, entry in fields.items():
    fine = finer_fields[name]
    entry["mean_finer_grid"] = fine["mean"]
    entry["max_excursion_finer_grid"] = fine["max_excursion"]
    error = max(abs(a - b) for a, b in zip(entry["mean"], fine["mean"])) / entry["max_excursion"]
    entry["grid_error"] = error
    print(f"{name:24} max excursion {entry['max_excursion']:.4e} at day {entry['max_excursion_day']:.3g}, "
          f"plain against finer grid {100 * error:.3f} %")

document = {
    "format": "area-averaged fields of one axisymmetric unit cell after one puncture; see README.md",
    "command": "python3 make.py",
    "days": DAYS,
    "damage_radius_mm": 0.05,
    "lumen_radius_mm": 0.035,
    "faces_mm": plain.faces.tolist(),
    "finer_faces_mm": finer.faces.tolist(),
    "oxygen_at_rest": O_REST,
    "fields": fields,
}
Path(__file__).with_name("unit_cell.json").write_text(json.dumps(document, indent=1) + "\n")
