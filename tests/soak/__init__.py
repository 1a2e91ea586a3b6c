"""What only long runs find: lost events, killed processes, closed clients, forks: `nox -s soak`."""
