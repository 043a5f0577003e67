"""The rollout controller: reads Git and the metrics, proposes what comes next."""
