/**
 * The command lines of the documented workflows (W1 to W15) and usage patterns (P1 to P4), to the letter: `i-xxx`, `i-yyy` and `i-zzz` stand for
 * instances, `script.py` for a training of the reader's own.
 */
export const LINES = {
  /** Full Training Cycle. */
  W1: String.raw`
# Start instance
runctl aws start i-xxx --wait

# Train with checkpoints
runctl aws train i-xxx training/train_with_checkpoints.py \
  --sync-code --wait \
  -- --epochs 3 --checkpoint-interval 1

# Stop instance (saves checkpoint)
runctl aws stop i-xxx`,
  /** Resume from Checkpoint. */
  W2: String.raw`
# Start instance
runctl aws start i-xxx --wait

# Resume from checkpoint
runctl aws train i-xxx training/train_with_checkpoints.py \
  --sync-code --wait \
  -- --epochs 5 --resume-from checkpoints/checkpoint_epoch_1.json`,
  /** Training with S3 Data. */
  W3: String.raw`
runctl aws train i-xxx training/train_mnist_e2e.py \
  --sync-code \
  --data-s3 s3://bucket/path/ \
  --wait \
  -- --epochs 2`,
  /** Multi-Epoch with Periodic Checkpoints. */
  W4: String.raw`
runctl aws train i-xxx training/train_with_checkpoints.py \
  --sync-code --wait \
  -- --epochs 5 --checkpoint-interval 1`,
  /** Resource Tracking. */
  W5: String.raw`
# List all resources
runctl resources list --platform aws

# Get cost breakdown
runctl resources list --platform aws --output json | jq '.[] | {id: .id, cost: .estimated_cost}'`,
  /** Training Status and Monitoring. */
  W6: String.raw`
# Start training
runctl aws train i-xxx script.py --sync-code

# Monitor logs
runctl aws monitor i-xxx --follow

# Check status
runctl aws status i-xxx`,
  /** Complete Workflow Command. */
  W7: String.raw`
runctl workflow run i-xxx training/train_with_checkpoints.py \
  -- --epochs 2`,
  /** Custom Project Directory. */
  W8: String.raw`
runctl aws train i-xxx training/train_with_checkpoints.py \
  --sync-code \
  --project-name my-training-project \
  --wait \
  -- --epochs 2`,
  /** Training with Script Arguments. */
  W9: String.raw`
runctl aws train i-xxx training/train_with_checkpoints.py \
  --sync-code --wait \
  -- --epochs 3 --checkpoint-interval 1 --learning-rate 0.001`,
  /** Checkpoint Management. */
  W10: String.raw`
runctl checkpoint list --instance-id i-xxx`,
  /** Instance Lifecycle with Checkpoints. */
  W11: String.raw`
# Start
runctl aws start i-xxx --wait

# Train
runctl aws train i-xxx script.py --sync-code -- --epochs 2

# Stop (saves checkpoint)
runctl aws stop i-xxx

# Restart
runctl aws start i-xxx --wait

# Resume
runctl aws train i-xxx script.py --sync-code -- --resume-from checkpoint.json`,
  /** Training Progress Monitoring. */
  W12: String.raw`
# Start training
runctl aws train i-xxx script.py --sync-code -- --epochs 3

# Monitor periodically
for i in {1..5}; do
  echo "Check $i:"
  runctl aws monitor i-xxx
  sleep 5
done`,
  /** Error Recovery. */
  W13: String.raw`
# Invalid script
runctl aws train i-xxx nonexistent_script.py --sync-code

# Stopped instance
runctl aws stop i-xxx
runctl aws train i-xxx script.py --sync-code`,
  /** Resource Cleanup. */
  W14: String.raw`
# List resources
runctl resources list --platform aws

# Check costs
runctl resources list --platform aws --output json | jq '[.[] | {id: .id, cost: .estimated_cost}]'`,
  /** Complete Training Session. */
  W15: String.raw`
START_TIME=$(date +%s)
runctl aws train i-xxx training/train_with_checkpoints.py \
  --sync-code --wait \
  -- --epochs 3 --checkpoint-interval 1
END_TIME=$(date +%s)
DURATION=$((END_TIME - START_TIME))
echo "Training completed in $DURATION seconds"`,
  /** Iterative Development. */
  P1: String.raw`
# 1. Quick test run
runctl aws train i-xxx script.py --sync-code --wait -- --epochs 1

# 2. Full training run
runctl aws train i-xxx script.py --sync-code --wait -- --epochs 10 --checkpoint-interval 2

# 3. Resume from best checkpoint
runctl aws train i-xxx script.py --sync-code --wait -- --resume-from checkpoints/best.pt`,
  /** Hyperparameter Tuning. */
  P2: String.raw`
# Test different learning rates
for lr in 0.001 0.01 0.1; do
  runctl aws train i-xxx script.py --sync-code --wait \
    -- --learning-rate $lr --epochs 5
done`,
  /** Data Pipeline Testing. */
  P3: String.raw`
# Test with different data sources
runctl aws train i-xxx script.py --sync-code \
  --data-s3 s3://bucket/train-data/ \
  --wait -- --epochs 2`,
  /** Multi-Instance Parallel Training. */
  P4: String.raw`
# Train on multiple instances simultaneously
for instance in i-xxx i-yyy i-zzz; do
  runctl aws train $instance script.py --sync-code -- --epochs 10 &
done
wait`,
} as const
