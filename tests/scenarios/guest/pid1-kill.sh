# The main process goes over the limit.
expect 137 run --name pid1-kill --memory=20m "$IMAGE" $HOG
