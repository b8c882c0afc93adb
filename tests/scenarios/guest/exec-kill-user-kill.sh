# First the kernel kills a side process, then the user the container.
run -d --name exec-kill-user-kill --memory=20m "$IMAGE" $FOREVER
expect 137 podman exec exec-kill-user-kill $HOG
podman kill exec-kill-user-kill
