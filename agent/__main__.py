from runctl_agent.__main__ import main

main()
