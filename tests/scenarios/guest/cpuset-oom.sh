# The node that it may use has 128 MiB; the host has more.
expect 137 run --name cpuset-oom --cpuset-mems=1 "$IMAGE" $HOG
