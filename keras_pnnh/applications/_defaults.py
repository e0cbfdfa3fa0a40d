"""What the coder's arguments are by default, and the evidence.

Questions are those of `docs/study.md`; each names its table, and the records
behind it lie in `evidence/study/<table>/`.
"""

# Question 5: ahead of the other places (tables `gain` and `norm`, one seed),
# and hardly worse at 110 layers than at 20 (table `depth`).
NORM = "learner"

# Question 2: 0.3 and 1 cannot be told apart in ResNets (tables `norm`, `gain`);
# in MobileNetV2 and Transformers 1 is far behind (`mobilenet`, `vit-coder`).
# The bundled weights were trained with 1.
LEARNER_GAIN = 0.3

# Questions 3 and 4, table `coder`. A frozen coder in its closed form is the
# same for every block, so sharing it costs nothing.
CODER_TRAINING = "frozen"
CODER_INITIALIZER = "closed_form"
CODER_SHARING = "stage"

# Question 8, table `efficient`: sharing costs some loss, so it is a choice.
SHARED_LEARNERS = ()

# Question 7, table `vit-coder`: heads of their own do better and are twice as
# wide.
TOKEN_MIXING = "shaped"

# Question 6. Added, a network folds to the size of its residual twin. Beside
# the learner, in full width, it is as accurate as the twin at 20 layers (table
# `confirmation`) and folds to twice the size; with halves of both, and half of
# the parameters, it begins as well at 56 layers (`depth`, `longer`) and is
# behind after eight epochs (`longest`) and at 20 layers.
CODE_PLACEMENT = "added"
