"""The same training steps in PyTorch, eager. Answers requests like contestant.mjs does. Images are random: time does not depend on them."""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

sizes = json.loads(sys.argv[1])
threads = int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
batch, window, latent = sizes["batchSize"], sizes["window"], sizes["latent"]
count = 10_000
images = torch.rand(count, 784)
labels = torch.randint(10, (count,))


def dense(sides):
    layers = [layer for a, b in zip(sides, sides[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = dense([784, *sizes["widths"], 10])

    def loss(self, x, y):
        return F.cross_entropy(self.layers(x), y)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        first, second = sizes["filters"]
        convolutions = [nn.Conv2d(1, first, 3, 2, 1), nn.ReLU(), nn.Conv2d(first, second, 3, 2, 1), nn.ReLU()]
        self.layers = nn.Sequential(*convolutions, nn.Flatten(), dense([7 * 7 * second, sizes["codes"], 10]))

    def loss(self, x, y):
        return F.cross_entropy(self.layers(x.view(-1, 1, 28, 28)), y)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = dense([784, *sizes["widths"], 2 * latent])
        self.decoder = dense([latent, *reversed(sizes["widths"]), 784])

    def loss(self, x, y):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(1)
        divergence = 0.5 * (log_variance.exp() + mean**2 - log_variance - 1).sum(1)
        return (reconstruction + divergence).mean()


def steps(workload, count_steps, fused):
    model = {"mlp": Mlp, "cnn": Cnn, "vae": Vae}[workload]()
    adam = torch.optim.Adam(model.parameters(), lr=sizes["rate"], fused=fused or None)
    order = torch.randperm(count)
    for step in range(1, window + count_steps + 1):
        rows = order[torch.arange((step - 1) * batch, step * batch) % count]
        adam.zero_grad()
        loss = model.loss(images[rows], labels[rows])
        loss.backward()
        adam.step()
        if step % window == 0:
            loss.item()
        if step == window:
            start, cpu = time.perf_counter(), time.process_time()
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}


def product(repetitions):
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    times = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return {"times": times[1:]}


print(json.dumps({"ready": True, "version": torch.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["ask"] == "step":
        answer = steps(request["workload"], request["steps"], request.get("fused", False))
    else:
        answer = product(request["steps"])
    print(json.dumps(answer), flush=True)
