# Three runs, three kills.
run -d --name restart-loop --restart=on-failure:2 --memory=20m "$IMAGE" $HOG
all_ended() {
    case "$(podman inspect -f '{{.RestartCount}} {{.State.Status}}' restart-loop)" in
    '2 exited' | '2 stopped') true ;;
    *) false ;;
    esac
}
wait_for all_ended
