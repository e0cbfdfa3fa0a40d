"""What the coder's arguments are by default, and the evidence.

Questions are those of `docs/study.md`; each names its table, and the records
behind it lie in `evidence/study/<table>/`.
"""

# Question 5: ahead of the other places (tables `gain` and `norm`), and at 110
# layers no worse than at 20 (table `depth`).
NORM = "learner"

# Question 2: level with 1 at 56 layers (table `norm`), and far ahead of it in
# MobileNetV2 and Transformers (`mobilenet`, `vit-coder`). At 20 layers 1 is
# ahead (`gain`), which is what the bundled weights were trained with.
LEARNER_GAIN = 0.3

# Questions 3 and 4, table `coder`.
CODER_TRAINING = "frozen"
CODER_INITIALIZER = "closed_form"
CODER_SHARING = "stage"

# Question 8, table `efficient`: sharing costs some accuracy, so it is a choice.
SHARED_LEARNERS = ()

# Question 7, table `vit-coder`: heads of their own do better and are twice as
# wide.
TOKEN_MIXING = "shaped"

# Question 6: beside the learner does better at 56 layers (tables `structure`,
# `structure-longer`, `longer`), but with half of the parameters not at 20 to 44
# (`depth`, `paths`), and no full schedule has confirmed it.
CODE_PLACEMENT = "added"
