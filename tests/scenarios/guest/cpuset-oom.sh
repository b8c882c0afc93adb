# The node that it may use has 128 MiB; the host has more. It has to go before host-oom.sh's container, which has that score too.
expect 137 run --name cpuset-oom --cpuset-mems=1 --oom-score-adj=1000 "$IMAGE" $HOG
