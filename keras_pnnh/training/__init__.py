"""Training: recipes, data, runs that can be resumed, and their records."""

from keras_pnnh.training.devices import use_devices
from keras_pnnh.training.distillation import Teacher
from keras_pnnh.training.evaluation import evaluate
from keras_pnnh.training.fit import train
from keras_pnnh.training.freezing import freeze
from keras_pnnh.training.hosts import join_hosts
from keras_pnnh.training.layer_rates import scale_learning_rates
from keras_pnnh.training.load_run import load_run
from keras_pnnh.training.optimizer import make_optimizer
from keras_pnnh.training.planning import TrainingPlan, plan_training
from keras_pnnh.training.rate_finder import find_learning_rate
from keras_pnnh.training.recipe import Recipe
from keras_pnnh.training.recipes import RECIPES, get_recipe
from keras_pnnh.training.save_run import save_run
from keras_pnnh.training.wandb_log import LogToWandb

__all__ = [
    "LogToWandb",
    "RECIPES",
    "Recipe",
    "Teacher",
    "TrainingPlan",
    "evaluate",
    "find_learning_rate",
    "freeze",
    "get_recipe",
    "join_hosts",
    "load_run",
    "make_optimizer",
    "plan_training",
    "save_run",
    "scale_learning_rates",
    "train",
    "use_devices",
]
