# The main process is not touched.
run -d --name exec-kill --memory=20m "$IMAGE" $FOREVER
expect 137 podman exec exec-kill $HOG
