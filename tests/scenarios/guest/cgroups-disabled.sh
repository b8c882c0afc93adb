# inspect shows a limit, nothing enforces it.
run -d --name cgroups-disabled --cgroups=disabled --memory=20m "$IMAGE" $FOREVER
