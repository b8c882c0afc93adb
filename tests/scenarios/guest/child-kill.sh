# sh is PID 1 and outlives its child.
expect 0 run --name child-kill --memory=20m "$IMAGE" sh -c "$HOG; sleep 1; exit 0"
