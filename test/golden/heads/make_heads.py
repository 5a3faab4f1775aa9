"""Makes the projection heads that the tests read: a head of the published one's structure as PyTorch and as safetensors, its
answers in float64, and files that a reader must refuse. Needs torch and safetensors; run it in this folder."""

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).parent


def project(state: dict[str, torch.Tensor], rows: np.ndarray) -> np.ndarray:
    """Linear, SiLU, Linear, L2 in float64, without torch."""
    w0, b0, w3, b3 = (state[name].double().numpy() for name in ("net.0.weight", "net.0.bias", "net.3.weight", "net.3.bias"))
    hidden = rows @ w0.T + b0
    hidden = hidden / (1 + np.exp(-hidden))
    out = hidden @ w3.T + b3
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def rewrite(source: Path, target: str, change, compression=zipfile.ZIP_STORED) -> None:
    """A copy of a zip archive with its pickle changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(FOLDER / target, "w", compression) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename.endswith("data.pkl") else content)


class Hostile:
    """An object whose pickle calls a function when it is loaded."""

    def __init__(self, function, argument: str):
        self.call = function, (argument,)

    def __reduce__(self):
        return self.call


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    assert content.count(old) >= 1, old
    return content.replace(old, new, 1)


torch.manual_seed(0)
state = {}
for name, parameter in nn.Sequential(nn.Linear(8, 5), nn.SiLU(), nn.Dropout(0.1), nn.Linear(5, 4)).state_dict().items():
    state[f"net.{name}"] = parameter.clone()
torch.save(state, FOLDER / "head.pth")
save_file(state, FOLDER / "head.safetensors")
rows = np.random.default_rng(0).normal(size=(7, 8)).astype(np.float32)
golden = {"rows": rows.tolist(), "expected": project(state, rows.astype(np.float64)).tolist()}

torch.save(state, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
np.savez(FOLDER / "head.npz", **{name: tensor.numpy() for name, tensor in state.items()})

# The head with a gate, whose answers are those of the head for inputs that went through it.
gate = torch.randn(8)
save_file(state | {"gate": gate}, FOLDER / "gated.safetensors")
gated = rows.astype(np.float64) / (1 + np.exp(-gate.double().numpy()))
golden["gated"] = project(state, gated).tolist()
(FOLDER / "head.json").write_text(json.dumps(golden))

# One storage, read with an offset, and columns first: a view as training code may leave it.
shared = torch.cat([torch.zeros(3), state["net.0.weight"].T.reshape(-1)])
torch.save(state | {"net.0.weight": shared[3:].view(8, 5).T}, FOLDER / "view.pth")

torch.save({name: tensor.half() for name, tensor in state.items()}, FOLDER / "refused-half.pth")
torch.save({"state_dict": state, "epoch": 3}, FOLDER / "refused-checkpoint.pth")
rewrite(FOLDER / "head.pth", "refused-compressed.pth", lambda content: content, zipfile.ZIP_DEFLATED)
marker = "touch pickle-was-run"
for name, hostile in {
    "os-system": Hostile(os.system, marker),
    "eval": Hostile(eval, "__import__('os').system('touch pickle-was-run')"),
}.items():
    for protocol in (2, 4):
        rewrite(FOLDER / "head.pth", f"refused-{name}-{protocol}.pth", lambda _: pickle.dumps({"net.0.weight": hostile}, protocol))
# The first storage has 40 elements (0x28); the pickle says 200.
rewrite(FOLDER / "head.pth", "refused-lying-storage.pth", lambda content: replaced(content, b"K(t", b"K\xc8t"))
# Its shape (5, 8) becomes (5, 9).
rewrite(FOLDER / "head.pth", "refused-lying-shape.pth", lambda content: replaced(content, b"K\x05K\x08\x86", b"K\x05K\x09\x86"))
# A function that no float32 state dict needs.
rewrite(FOLDER / "head.pth", "refused-call.pth", lambda content: replaced(content, b"_rebuild_tensor_v2\n", b"_rebuild_qtensor\n"))

# Before PyTorch 1.6: what is called, and what its storages lie about.
legacy = (FOLDER / "legacy.pth").read_bytes()
call = pickle.dumps({"net.0.weight": Hostile(os.system, marker)}, 2)
head_of_legacy = legacy[: legacy.index(b"\x80\x02", legacy.index(b"little_endian"))]
(FOLDER / "refused-legacy-os-system.pth").write_bytes(head_of_legacy + call)
(FOLDER / "refused-legacy-lying-storage.pth").write_bytes(
    replaced(legacy, (40).to_bytes(8, "little"), (2**40).to_bytes(8, "little"))
)
np.savez(FOLDER / "refused-double.npz", **{name: tensor.double().numpy() for name, tensor in state.items()})
np.savez_compressed(FOLDER / "refused-compressed.npz", **{name: tensor.numpy() for name, tensor in state.items()})
