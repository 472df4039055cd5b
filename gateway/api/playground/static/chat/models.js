// @ts-check
import { useEffect } from "../vendor/htm-preact.js";
import { conversation } from "../conversation/conversation.js";
import { useStore } from "../lib/store.js";
import { models, refreshModels } from "../pages/model_list.js";

const RETRY_MS = 2000;

/** The models that can be talked to. */
export function useChatModels() {
  return useStore(models).list.filter((model) => !model.capabilities.embeddings);
}

/** Learns the models, and anew when a request is over, which may have loaded one. */
export function useFreshModels(unfinished) {
  const { error } = useStore(models);
  useEffect(() => {
    if (!unfinished) refreshModels();
  }, [unfinished]);
  useEffect(() => {
    const timer = error && setTimeout(refreshModels, RETRY_MS);
    return () => clearTimeout(timer);
  }, [error]);
}

/** Chooses the first model, unless the conversation has one that exists. */
export function useDefaultModel() {
  const names = useChatModels().map((model) => model.id);
  const { model } = useStore(conversation);
  useEffect(() => {
    if (names.length && !names.includes(model)) conversation.set({ model: names[0] });
  });
}
