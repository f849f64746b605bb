#!/usr/bin/env bash
# The trainings whose figures and grids docs/log.md describes, each to be stopped and continued at will:
#
#     recipes/gan.sh DATA RUNS [NAME...]
#
# DATA is a folder with mnist.npz (arrays x_train, y_train), cifar10.zip (train/CLASS/*.jpg) and faces64.zip (pictures of
# 64 x 64); RUNS is where the runs go. Without names, all of them are trained, one after another.
set -euo pipefail
data=$1 runs=$2
shift 2
declare -A recipes=(
    [mnist]="$data/mnist.npz --width 16 --images 200000"
    [cifar-sndcgan]="$data/cifar10.zip --images 100000"
    [cifar-dcgan]="$data/cifar10.zip --preset dcgan --images 100000"
    [faces-sndcgan]="$data/faces64.zip --images 60000"
    [faces-dcgan]="$data/faces64.zip --preset dcgan --images 60000"
)
for name in "${@:-mnist cifar-sndcgan cifar-dcgan faces-sndcgan faces-dcgan}"; do
    for one in $name; do
        # shellcheck disable=SC2086 (the words of a recipe are meant to be split)
        scumble gan train ${recipes[$one]} --run "$runs/$one"
    done
done
