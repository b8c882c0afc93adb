# What a service manager or an engine in the container does: a cgroup of its own with a limit far below the container's.
expect 0 run --name nested-limit --memory=200m --privileged "$IMAGE" sh -c "
    cd /sys/fs/cgroup
    mkdir main inner-job
    echo \$\$ >main/cgroup.procs
    echo +memory >cgroup.subtree_control
    echo 20M >inner-job/memory.max
    sh -c 'echo \$\$ >inner-job/cgroup.procs; exec $HOG'
    sleep 1
    exit 0"
