#!/bin/sh
# Trainings on the usual data sets, each to be stopped and continued at will (docs/log.md tells how far they got):
#
#     recipes/gan.sh DATA RUNS NAME...
#
# DATA is a folder with mnist.npz (arrays x_train, y_train), cifar10.zip (train/CLASS/*.jpg) and faces64.zip (pictures of
# 64 x 64 pixels); RUNS is where the runs go; NAME is one of those below.
set -eu
data=$1 runs=$2
shift 2
for name in "$@"; do
    case $name in
        mnist)         set -- mnist.npz --width 16 --batch 64 --lr 1e-3 --images 140000 ;;
        cifar-sndcgan) set -- cifar10.zip --lr 5e-4 --images 150000 ;;
        cifar-dcgan)   set -- cifar10.zip --preset dcgan --images 60000 ;;
        faces-sndcgan) set -- faces64.zip --lr 5e-4 --images 100000 ;;
        faces-dcgan)   set -- faces64.zip --preset dcgan --images 60000 ;;
        *) echo "$name is no recipe" >&2; exit 2 ;;
    esac
    file=$1
    shift
    scumble gan train "$data/$file" --run "$runs/$name" "$@"
done
