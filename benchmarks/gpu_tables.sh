#!/usr/bin/env bash
# Both accuracy tables of depth-200 training on a borrowed GPU, in the minutes that there are.
#
#     benchmarks/gpu_tables.sh DATA OUT [MINUTES]
#
# Needs this repository, a Python with CUDA torch ($PYTHON, else python3), and in DATA the four MNIST files as .gz, and
# cifar10-jpeg.tar.xz if it is there. Wheels of what that Python lacks lie in $WHEELS (hydra-core, omegaconf, the antlr4
# runtime, platformdirs, say); nothing is downloaded. MNIST on the edge of chaos comes first, then its other columns, then
# CIFAR-10: each until it is done or the MINUTES (10) are over. Tables, records and figures are left in OUT, without
# checkpoints: a few MB. DEVICE=cpu rehearses it.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
repository=$(cd "$(dirname "$0")/.." && pwd)
data=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
end=$(($(date +%s) + ${3:-10} * 60))
python=${PYTHON:-python3}
device=${DEVICE:-cuda}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -n "${WHEELS:-}" ]; then
    "$python" -m pip install --quiet --no-index --no-deps --target "$work/packages" "$WHEELS"/*.whl
fi
mkdir -p "$work/data/MNIST/raw"
for file in "$data"/*-ubyte.gz; do
    gunzip -c "$file" >"$work/data/MNIST/raw/$(basename "$file" .gz)"
done
export PYTHONPATH="$work/packages:$repository" DEEPK_DATA="$work/data"

# Runs with the words given until the time is over, and keeps what is worth keeping under the name given first.
table() {
    local name=$1 left=$((end - $(date +%s)))
    shift
    if [ "$left" -lt 30 ]; then
        echo "no time left for $name"
        return
    fi
    cd "$work"
    "$python" -m cli run eoc-training --scale paper --results "$work/$name" --budget "$(echo "$left" | awk '{print $1 / 60}')" \
        "device=$device" 'activations=[relu,elu,tanh]' 'seeds=[0,1,2]' --quiet "$@" 2>&1 | tee "$out/$name.txt" ||
        echo "$name failed; what it left is kept"
    [ -d "$work/$name/eoc-training/v001" ] || return 0
    mkdir -p "$out/$name"
    tar -C "$work/$name/eoc-training/v001" --exclude units -cf - . | tar -C "$out/$name" -xf -
}

table mnist-edge data=mnist 'initializations=[edge-of-chaos]'
table mnist-others data=mnist 'initializations=[batch-norm,ordered]' epochs=10
if [ -f "$data/cifar10-jpeg.tar.xz" ]; then
    tar -C "$work" -xf "$data/cifar10-jpeg.tar.xz"
    table cifar10-edge data=image-folder "data.root=$work/cifar10-jpeg" 'initializations=[edge-of-chaos]'
fi
du -sh "$out"
