"""What runs on the instance: owns a run, its log, its checkpoints and its end. See docs/agent-protocol.md."""
