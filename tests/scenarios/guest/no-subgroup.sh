# runc's layout: the processes are in the scope itself.
expect 137 run --name no-subgroup --memory=20m --annotation run.oci.systemd.subgroup= "$IMAGE" $HOG
