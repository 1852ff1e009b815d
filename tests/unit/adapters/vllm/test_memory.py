"""What an engine is said to take of memory, before any is started."""

import json
import subprocess
import sys

import pytest

from jarvis_adapters.vllm import memory
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args
from jarvis_adapters.vllm.weights import weight_bytes

GIB = 2**30


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A CPU build, on a machine with 16 GiB, whose processes take 1 GiB an engine."""
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)
    monkeypatch.setattr(memory, "ENGINE_CORE", GIB // 4)
    monkeypatch.setattr(memory, "WORKER", 3 * GIB // 4)
    monkeypatch.setattr("jarvis_adapters.vllm.settings.is_cpu_build", lambda: True)
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr("jarvis_adapters.vllm.settings.is_cpu_build", lambda: False)


def write(file, tensors):
    """Write the head of a safetensors file; nobody reads more."""
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, size) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    data = json.dumps(head).encode()
    file.write_bytes(len(data).to_bytes(8, "little") + data)


@pytest.fixture
def model(tmp_path):
    """A model of 2**28 numbers in bfloat16: half a GiB."""
    write(tmp_path / "model.safetensors", {"w": ("BF16", [2**14, 2**14], 2**29)})
    return str(tmp_path)


@pytest.mark.parametrize(
    ("dtype", "weights", "taken"),
    [
        ("auto", "0.5", "3.5"),
        ("bfloat16", "0.5", "3.5"),
        ("float16", "0.5", "3.5"),
        ("float32", "1.0", "4.0"),
    ],
)
def test_on_a_cpu_it_is_weights_cache_and_processes(model, dtype, weights, taken):
    demand = VLLMSettings(model=model, dtype=dtype).memory_demand()

    assert demand.memory == "memory"
    assert demand.share == float(taken) / 16
    assert demand.detail == (
        f"weights {weights} GiB, KV cache 2.0 GiB, processes 1.0 GiB: {taken} of 16.0 GiB"
    )


def test_a_model_that_is_not_fetched_yet_has_unknown_weights():
    demand = VLLMSettings(model="org/model").memory_demand()

    assert demand.detail == "weights unknown, KV cache 2.0 GiB, processes 1.0 GiB: 3.0 of 16.0 GiB"


def test_the_size_of_the_cache_follows_the_settings(model):
    settings = VLLMSettings(model=model, engine_args={"kv_cache_memory_bytes": GIB // 2})

    assert "KV cache 0.5 GiB" in settings.memory_demand().detail


@pytest.mark.parametrize(("value", "cache"), [("5", "5.0"), ("", "2.0")])
def test_the_environment_goes_before_the_settings(model, monkeypatch, value, cache):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", value)

    assert f"KV cache {cache} GiB" in VLLMSettings(model=model).memory_demand().detail


def test_a_cache_without_a_size_takes_a_share_of_the_machine(model):
    args = {"kv_cache_memory_bytes": None, "gpu_memory_utilization": 0.5}
    demand = VLLMSettings(model=model, engine_args=args).memory_demand()

    assert (demand.share, demand.detail) == (0.5, "gpu_memory_utilization 0.5 of 16.0 GiB")


def test_each_worker_has_a_cache(model):
    settings = VLLMSettings(model=model, engine_args={"tensor_parallel_size": 2})

    assert "KV cache 4.0 GiB, processes 1.8 GiB" in settings.memory_demand().detail


def test_two_engines_do_not_fit_on_one_gpu(gpu, model):
    demands = [VLLMSettings(model=model).memory_demand() for _ in range(2)]

    assert {demand.memory for demand in demands} == {"GPU memory"}
    assert sum(demand.share for demand in demands) == pytest.approx(1.84)
    assert demands[0].detail == "gpu_memory_utilization 0.92"


def test_engines_on_gpus_of_their_own_share_no_memory(gpu, model):
    first, second = [
        VLLMSettings(model=model, profile="baseline", engine_args={"device_ids": ids}).memory_demand()
        for ids in ([0, 1], [2])
    ]

    assert (first.memory, second.memory) == ("the memory of GPU 0, 1", "the memory of GPU 2")
    assert first.share == 0.85


def test_numbers_of_other_types_stay_as_they_are(tmp_path):
    write(
        tmp_path / "model.safetensors",
        {"packed": ("I32", [100], 400), "scales": ("F16", [100], 200), "eight": ("F8_E4M3", [100], 100)},
    )

    assert weight_bytes(tmp_path, "float32") == 400 + 400 + 100


def test_only_the_files_of_the_index_count(tmp_path):
    for name in ("model-1-of-2", "model-2-of-2", "consolidated"):
        write(tmp_path / f"{name}.safetensors", {name: ("BF16", [100], 200)})
    names = {
        "a": "model-1-of-2.safetensors",
        "b": "model-2-of-2.safetensors",
        "c": "model-2-of-2.safetensors",
    }
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))

    assert weight_bytes(tmp_path, "auto") == 400


@pytest.mark.parametrize(
    "content", [b"", b"\x02\0\0\0\0\0\0\0{]", b"\xff" * 20], ids=["empty", "no JSON", "no safetensors"]
)
def test_files_that_cannot_be_read_are_unknown(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)

    assert weight_bytes(tmp_path, "auto") is None


def test_a_folder_without_safetensors_is_unknown(tmp_path):
    (tmp_path / "pytorch_model.bin").touch()

    assert weight_bytes(tmp_path, "auto") is None


@pytest.mark.parametrize(
    ("limit", "memory_"), [("1073741824\n", GIB), ("max\n", 16 * GIB), ("9223372036854771712", 16 * GIB)]
)
def test_a_limit_of_the_container_goes_before_the_machine(monkeypatch, tmp_path, limit, memory_):
    monkeypatch.undo()
    (tmp_path / "limit").write_text(limit)
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (tmp_path / "none", tmp_path / "limit"))
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: type("", (), {"total": 16 * GIB}))

    assert memory.machine_memory() == memory_


@pytest.mark.parametrize(("installed", "cpu"), [("0.32.0", False), ("0.32.0+cpu", True), (None, True)])
def test_the_build_is_told_by_the_package(monkeypatch, installed, cpu):
    def version(name):
        assert name == "vllm"
        if installed is None:
            raise memory.PackageNotFoundError
        return installed

    monkeypatch.setattr(memory, "version", version)

    assert memory.is_cpu_build() is cpu


def test_it_is_told_without_importing_vllm(model):
    program = (
        "import sys; from jarvis_adapters.vllm.settings import VLLMSettings;"
        f"VLLMSettings(model={model!r}).memory_demand(); print(not {{'vllm', 'torch'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    ("stored", "millions", "given", "cpu", "computed"),
    [
        ("BF16", 135, "auto", True, "float32"),
        ("F32", 135, "auto", True, "float32"),
        ("BF16", 135, "auto", False, "auto"),
        ("BF16", 135, "bfloat16", True, "bfloat16"),
        ("BF16", 360, "auto", True, "auto"),
        ("I8", 135, "auto", True, "auto"),
    ],
)
def test_small_models_are_computed_in_float32_on_a_cpu(tmp_path, stored, millions, given, cpu, computed):
    numbers = millions * 10**6
    write(tmp_path / "model.safetensors", {"w": (stored, [numbers], 2 * numbers)})

    args = engine_args(VLLMSettings(model=str(tmp_path), dtype=given), cpu=cpu)

    assert args["dtype"] == computed
